"""Bytes of sockets: TCP or TLS, WebSocket frames in and out (RFC 6455)."""
