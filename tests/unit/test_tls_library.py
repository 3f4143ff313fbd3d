"""The OpenSSL that we call is the one that Python uses."""

import ctypes
import ssl

import pytest

from appliance.cold.tls_library import address, last_errors, library
from appliance.hot.jit import hot
from appliance.hot.wire.foreign import address_of, call_int, call_word


@hot
def version_number(at):
    return call_word(at)


def test_it_is_python_s_own():
    assert version_number(address("OpenSSL_version_num")) == ssl.OPENSSL_VERSION_NUMBER


def test_what_it_lacks():
    with pytest.raises(AttributeError):
        address("SSL_no_such_function")


def test_errors_are_told_once():
    library().ERR_clear_error()
    context = library().SSL_CTX_new(library().TLS_client_method())
    assert library().SSL_CTX_load_verify_locations(context, b"/none", None) == 0
    assert "No such file" in last_errors()
    assert last_errors() == ""
    library().SSL_CTX_free(context)
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    assert callable(call_int) and callable(address_of)
