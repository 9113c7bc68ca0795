"""Connections that fail: before a request was sent nothing has run; from then on it may have, wherever they are cut."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lambda_kernel import errors
from lambda_kernel.aws.client_errors import original
from lambda_kernel.aws.transport import BotoTransport, make_client
from tests.support.scripted_endpoint import Answer, endpoint

EVENT = {"op": "hello"}


def transport(url: str) -> BotoTransport:
    client = make_client("eu-west-1", None, url, ("key", "secret"))
    return BotoTransport("shell", "eu-west-1", client, "me", tenancy=False)


@contextlib.contextmanager
def listener(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A port on which each connection is given to serve, and closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with contextlib.suppress(OSError), connection:
                        serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def answering(response: bytes) -> Callable[[socket.socket], None]:
    """Say it to a request that has come as a whole, and no more."""

    def serve(connection: socket.socket) -> None:
        received = b""
        while not received.endswith(json.dumps(EVENT).encode()):
            received += connection.recv(65536)
        connection.sendall(response)

    return serve


COMPLETE = b'HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 8\r\nX-Amzn-RequestId: id\r\n\r\n{"a": 1}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n0\r\n\r\n'
ERROR = b'HTTP/1.1 500 no\r\nContent-Length: 9\r\n\r\n{"a": "b'


class TestAnswersThatAreCut:
    @pytest.mark.parametrize("whole", [COMPLETE, CHUNKED])
    def test_a_whole_one(self, whole: bytes) -> None:
        with listener(answering(whole)) as at:
            assert transport(f"http://{at}").invoke(EVENT).payload == {"a": 1}

    @pytest.mark.parametrize("whole", [COMPLETE, CHUNKED[:-7], ERROR])
    def test_the_function_may_have_run_wherever_it_is_cut(self, whole: bytes) -> None:
        cuts = iter(range(len(whole)))

        def serve(connection: socket.socket) -> None:
            answering(whole[: next(cuts)])(connection)

        with listener(serve) as at:
            to = transport(f"http://{at}")
            for _ in whole:
                with pytest.raises(errors.Unanswered, match="`shell` in eu-west-1"):
                    to.invoke(EVENT)

    def test_text_that_is_no_json_is_left_to_the_session(self) -> None:
        with endpoint(Answer(200, b"<html>sign in</html>")) as at:
            assert transport(at.url).invoke(EVENT).payload == "<html>sign in</html>"

    def test_json_that_is_too_deep(self) -> None:
        with endpoint(Answer(200, b"[" * 200_000)) as at:
            assert isinstance(transport(at.url).invoke(EVENT).payload, str)

    def test_a_log_that_cannot_be_decoded_is_done_without(self) -> None:
        with endpoint(Answer(200, {"a": 1}, {"X-Amz-Log-Result": "abcde"})) as at:
            reply = transport(at.url).invoke(EVENT)
        assert (reply.payload, reply.log, reply.report) == ({"a": 1}, b"", None)


class TestConnections:
    """What fails before a request is sent: nothing has run."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """For 127.0.0.1, with its key, and vouched for by nobody."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lambda")])
        now = datetime.now(timezone.utc)
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        file = tmp_path / "both.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + made.public_bytes(Encoding.PEM))
        return file

    def tls(self, certificate: Path, serve: Callable[[ssl.SSLSocket], None]) -> Callable[[socket.socket], None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

        def wrapped(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as inside:
                serve(inside)

        return wrapped

    def test_a_certificate_that_nobody_vouches_for(self, certificate: Path) -> None:
        serve = self.tls(certificate, answering(COMPLETE))
        with listener(serve) as at, pytest.raises(errors.Unreachable, match=r"verify failed.*AWS_CA_BUNDLE"):
            transport(f"https://{at}").invoke(EVENT)

    def test_one_that_the_user_vouches_for(self, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        with listener(self.tls(certificate, answering(COMPLETE))) as at:
            assert transport(f"https://{at}").invoke(EVENT).payload == {"a": 1}

    def test_tls_that_breaks_after_the_request(self, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))

        def serve(inside: ssl.SSLSocket) -> None:
            answering(b"")(inside)
            os.write(inside.fileno(), b"this is no TLS record")

        with listener(self.tls(certificate, serve)) as at, pytest.raises(errors.Unanswered):
            transport(f"https://{at}").invoke(EVENT)

    @pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"])
    def test_no_tls_where_tls_is_expected(self, said: bytes) -> None:
        def serve(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(said)

        with listener(serve) as at, pytest.raises(errors.Unreachable):
            transport(f"https://{at}").invoke(EVENT)

    @pytest.mark.parametrize(
        "said", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 502 no\r\n\r\n", b"", b"what?"]
    )
    def test_a_proxy_that_does_not_let_it_through(self, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def serve(connection: socket.socket) -> None:
            asked.append(connection.recv(65536))
            connection.sendall(said)

        with listener(serve) as at:
            for name in ("HTTPS_PROXY", "https_proxy"):
                monkeypatch.setenv(name, f"http://user:hunter2@{at}")
            to = BotoTransport("shell", "eu-west-1", make_client("eu-west-1", None, "https://lambda.invalid"), "me")
            with pytest.raises(errors.Unreachable, match=r"HTTPS_PROXY|check the network") as caught:
                to.invoke(EVENT)
        assert asked[0].startswith(b"CONNECT lambda.invalid:443 ")
        assert len(asked) == 1
        assert "hunter2" not in str(caught.value) + original(caught.value)

    def test_nobody_listens(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
            with pytest.raises(errors.Unreachable, match="cannot reach Lambda for `shell` in eu-west-1"):
                transport(url).invoke(EVENT)

    def test_an_earlier_failure_says_nothing_of_a_later_one(self) -> None:
        """Python chains an exception to the one that is being handled."""
        with listener(answering(b"")) as at:
            later = transport(f"http://{at}")
            try:
                transport("http://127.0.0.1:9").invoke(EVENT)
            except errors.Unreachable:
                with pytest.raises(errors.Unanswered):
                    later.invoke(EVENT)
            else:
                pytest.fail("somebody listens on port 9")
