"""Cold: the OpenSSL that Python's own ``ssl`` is linked to, for ctypes and for compiled code.

A handle of the extension module ``_ssl`` finds the symbols of whatever libssl and libcrypto it was
linked to: no path, no version, no second copy of OpenSSL in the process. Where Python has OpenSSL
built in (and does not show its symbols), the system's libssl is loaded instead.
"""

import _ssl
import ctypes
import ctypes.util
import ssl  # noqa: F401 - loads OpenSSL and initialises it
from functools import cache
from typing import Any, Final

_PROTOTYPES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    name: (result, arguments)
    for names, result, arguments in (
        ("TLS_client_method TLS_server_method EVP_CIPHER_CTX_new", ctypes.c_void_p, ()),
        ("SSL_CTX_new SSL_new SSL_get1_peer_certificate", ctypes.c_void_p, (ctypes.c_void_p,)),
        ("SSL_CTX_free SSL_free BIO_free EVP_CIPHER_CTX_free", None, (ctypes.c_void_p,)),
        ("SSL_CTX_ctrl SSL_ctrl", ctypes.c_long,
         (ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p)),
        ("SSL_CTX_set_options", ctypes.c_uint64, (ctypes.c_void_p, ctypes.c_uint64)),
        ("SSL_CTX_set_default_verify_paths", ctypes.c_int, (ctypes.c_void_p,)),
        ("SSL_CTX_load_verify_locations", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)),
        ("SSL_CTX_set_verify", None, (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)),
        ("SSL_CTX_set_cipher_list", ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p)),
        ("SSL_set1_host", ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p)),
        ("SSL_set_hostflags", None, (ctypes.c_void_p, ctypes.c_uint)),
        ("SSL_get0_param", ctypes.c_void_p, (ctypes.c_void_p,)),
        ("X509_VERIFY_PARAM_set1_ip_asc", ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p)),
        ("SSL_set_connect_state", None, (ctypes.c_void_p,)),
        ("SSL_do_handshake SSL_shutdown", ctypes.c_int, (ctypes.c_void_p,)),
        ("SSL_get_error", ctypes.c_int, (ctypes.c_void_p, ctypes.c_int)),
        ("SSL_read SSL_write", ctypes.c_int, (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)),
        ("SSL_get_verify_result", ctypes.c_long, (ctypes.c_void_p,)),
        ("X509_verify_cert_error_string", ctypes.c_char_p, (ctypes.c_long,)),
        ("SSL_get_version", ctypes.c_char_p, (ctypes.c_void_p,)),
        ("SSL_set_bio", None, (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)),
        ("BIO_new_bio_pair", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)),
        ("BIO_nread0", ctypes.c_int, (ctypes.c_void_p, ctypes.c_void_p)),
        ("BIO_nread BIO_nwrite", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)),
        ("BIO_nwrite0", ctypes.c_int, (ctypes.c_void_p, ctypes.c_void_p)),
        ("BIO_ctrl_pending BIO_ctrl_get_write_guarantee", ctypes.c_size_t, (ctypes.c_void_p,)),
        ("ERR_get_error", ctypes.c_ulong, ()),
        ("ERR_clear_error", None, ()),
        ("ERR_error_string_n", None, (ctypes.c_ulong, ctypes.c_char_p, ctypes.c_size_t)),
        ("EVP_get_cipherbyname", ctypes.c_void_p, (ctypes.c_char_p,)),
        ("EVP_CipherInit_ex", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p,
          ctypes.c_int)),
        ("EVP_CipherUpdate", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)),
        ("EVP_CipherFinal_ex", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)),
        ("EVP_CIPHER_CTX_ctrl", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)),
    )
    for name in names.split()
}  # fmt: skip


@cache
def library() -> ctypes.CDLL:
    """The library, its functions typed. OSError: there is no OpenSSL 3 that we can call."""
    handle = _find()
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(handle, name)
        function.restype, function.argtypes = result, arguments
    return handle


def _find() -> ctypes.CDLL:
    paths = [getattr(_ssl, "__file__", None), None, "libssl.so.3", ctypes.util.find_library("ssl")]
    for path in paths:
        try:
            handle = ctypes.CDLL(path)
            if hasattr(handle, "SSL_get1_peer_certificate"):  # OpenSSL 3
                return handle
        except OSError:
            continue
    raise OSError("no OpenSSL 3 (libssl.so.3) that compiled code could call")


def address(name: str) -> int:
    """Where the function lies: what compiled code calls (foreign.py)."""
    return ctypes.cast(getattr(library(), name), ctypes.c_void_p).value or 0


def last_errors() -> str:
    """What OpenSSL has to say about this thread's last failure; clears it."""
    text, buffer = [], ctypes.create_string_buffer(256)
    while code := library().ERR_get_error():
        library().ERR_error_string_n(code, buffer, len(buffer))
        text.append(buffer.value.decode(errors="replace").rsplit(":", 1)[-1])
    return "; ".join(text)
