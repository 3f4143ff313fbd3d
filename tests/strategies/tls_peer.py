"""A TLS server over memory, and the certificates that it shows."""

import contextlib
import ssl
import subprocess

HOST = "venue.example"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_certificates(folder):
    """ca.pem; server.pem signed by it with server.key; self.pem signed by itself."""
    new = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    names = f"subjectAltName=DNS:{HOST},IP:127.0.0.1"
    ca = ("-x509", "-days", "2", "-subj", "/CN=test CA")
    openssl(*new, *ca, "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem")
    own = ("-x509", "-days", "2", "-subj", "/CN=self", "-addext", names)
    openssl(*new, *own, "-keyout", f"{folder}/self.key", "-out", f"{folder}/self.pem")
    openssl(*new, "-subj", "/CN=x", "-keyout", f"{folder}/server.key", "-out", f"{folder}/r")
    (folder / "ext").write_text(names)
    signing = ("-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key", "-CAcreateserial")
    out = ("-extfile", f"{folder}/ext", "-days", "2", "-out", f"{folder}/server.pem")
    openssl("x509", "-req", "-in", f"{folder}/r", *signing, *out)


class Peer:
    """Python's ssl as the server, over memory, so that a test decides which bytes arrive when."""

    def __init__(self, folder, name="server", version=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        context.minimum_version = context.maximum_version = version
        context.sni_callback = lambda _object, name, _context: setattr(self, "sni", name)
        self.sni = None
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_side=True)

    def shake(self, connection):
        with contextlib.suppress(OSError):  # refused (an SSLError is one, too), or gone
            while True:
                try:
                    self.tls.do_handshake()
                except ssl.SSLWantReadError:
                    connection.sendall(self.out.read())
                    if not (data := connection.recv(65536)):
                        return
                    self.into.write(data)
                else:
                    connection.sendall(self.out.read())
                    return

    def records(self, data):
        self.tls.write(data)
        return self.out.read()

    def understand(self, data):
        self.into.write(data)
        got = b""
        try:
            while part := self.tls.read(65536):
                got += part
        except ssl.SSLWantReadError:
            pass
        return got
