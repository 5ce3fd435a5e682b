"""Tokens at the door: who is let in, and that nobody else learns why not. PyJWT is the issuer, and the oracle."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional
from urllib.parse import quote

import jwt
import pytest
import websockets

from control import ask, metrics
from engines import linked
from gateway import Gateway, run
from issuer import SECRET, Issuer, claims, decode, encode, no_algorithm, secret_file, signed
from tabs import open_tab
from wire import CLOSE, TEXT, RawTab, Wire, upgrade_request

Serve = Callable[..., Gateway]

HEADER = {"alg": "HS256", "typ": "JWT"}
GOOD = signed(HEADER, claims())
ISSUER = Issuer()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway that asks for HS256 tokens of one issuer for one audience: for a table of tokens that leave nothing behind."""
    directory = tmp_path_factory.mktemp("guarded")
    gateway = Gateway(directory, "--workers", "2", "--jwt-secret-file", secret_file(directory))
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway with a key set of every kind of public key, an issuer and an audience."""
    directory = tmp_path_factory.mktemp("keyed")
    (directory / "jwks.json").write_text(ISSUER.key_set())
    gateway = Gateway(
        directory, "--workers", "2", "--jwks", str(directory / "jwks.json"), "--jwt-issuer", "https://issuer.example", "--jwt-audience", "gateway"
    )
    yield gateway
    gateway.stop()


def raw_answer(gateway: Gateway, query: Optional[str] = None, path: str = "/ws/backtest/s1", **headers: str) -> bytes:
    """Every byte of the answer to a request with that query, but for its date."""
    with Wire(gateway.address) as wire:
        wire.send(upgrade_request(path + (f"?{query}" if query is not None else ""), **headers))
        head = wire.take_until(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = wire.take(int(length[1])) if length else b""
    return re.sub(rb"(?i)date: [^\r]*\r\n", b"", head) + body


def is_let_in(gateway: Gateway, token: str, session: str = "s1", **headers: str) -> bool:
    answer = raw_answer(gateway, f"token={quote(token)}", f"/ws/backtest/{session}", **headers)
    return answer.startswith(b"HTTP/1.1 101 ")


# Who is let in


def test_a_good_token_is_let_in_by_query_and_by_header(guarded: Gateway) -> None:
    assert is_let_in(guarded, GOOD)
    assert raw_answer(guarded, Authorization=f"Bearer {GOOD}").startswith(b"HTTP/1.1 101 ")
    assert raw_answer(guarded, Authorization=f"bearer {GOOD}").startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_pyjwt_signs_what_the_gateway_believes(keyed: Gateway, algorithm: str) -> None:
    good = claims(iss="https://issuer.example", aud=["other", "gateway"])
    for _ in range(5):
        assert is_let_in(keyed, ISSUER.token(algorithm, good | {"jti": str(time.time_ns())}))
    token = ISSUER.token(algorithm, good)
    assert not is_let_in(keyed, Issuer().token(algorithm, good)), "another's key of the same name"
    assert not is_let_in(keyed, ISSUER.token(algorithm, good, kid="unknown"))
    others = [other for other in ISSUER.keys if other != algorithm]
    for other in others:
        assert not is_let_in(keyed, ISSUER.token(algorithm, good, kid=other)), "a key of another kind"
    head, payload, signature = token.split(".")
    assert not is_let_in(keyed, f"{head}.{payload}.{encode(decode(signature)[::-1])}")
    for bad in ({"iss": "https://issuer.example/"}, {"aud": "Gateway"}, {"aud": []}):
        assert not is_let_in(keyed, ISSUER.token(algorithm, good | bad))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_in_pem_is_enough(serve: Serve, tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "key.pem").write_bytes(ISSUER.pem(algorithm))
    gateway = serve("--jwt-secret-file", str(tmp_path / "key.pem"))
    assert is_let_in(gateway, ISSUER.token(algorithm, claims()))
    assert not is_let_in(gateway, signed(HEADER, claims(), ISSUER.pem(algorithm))), "an HMAC with the public key as its secret"


def test_sessions_are_open_to_whom_the_token_names_and_to_their_owner(guarded: Gateway) -> None:
    ask(guarded, "PUT", "/v1/sessions/annas", {"owner": "anna"})
    tries = {
        ("anna", (), "annas"): b"101",
        ("bert", (), "annas"): b"403",
        ("bert", ("annas",), "annas"): b"101",
        ("bert", ("ann*",), "annas"): b"101",
        ("bert", ("anna",), "annas"): b"403",
        ("ANNA", (), "annas"): b"403",
        ("anna", (), "unknown"): b"403",
        ("anna", ("unknown",), "unknown"): b"101",
        ("anna", ("*",), "anything"): b"101",
    }
    for (subject, sessions, session), status in tries.items():
        token = signed(HEADER, claims(subject, list(sessions)))
        answer = raw_answer(guarded, f"token={token}", f"/ws/backtest/{session}")
        assert answer[9:12] == status, (subject, sessions, session, answer)
        if status == b"403":
            assert b'"code":"FORBIDDEN"' in answer
    forbidden = {raw_answer(guarded, f"token={signed(HEADER, claims('bert', []))}", f"/ws/backtest/{name}") for name in ("annas", "unknown")}
    assert len(forbidden) == 1, "whether there is a session is not told to strangers"


def test_a_subject_is_in_the_connections_metadata(guarded: Gateway) -> None:
    with RawTab.opened(guarded, "meta", query=f"token={GOOD}") as tab:
        connection = ask(guarded, "GET", f"/v1/connections/{tab.connected['connection_id']}").json
        assert connection["subject"] == "anna"


# Who is not: byte for byte the same answer


def forged() -> dict[str, str]:
    """Queries of a token that lets nobody in."""
    now = int(time.time())
    head, payload, signature = GOOD.split(".")
    raw = decode(signature)
    middle = {
        "nothing": "",
        "null": "null",
        "undefined": "undefined",
        "a dot": ".",
        "two dots": "..",
        "three dots": "...",
        "one part": head,
        "two parts": f"{head}.{payload}",
        "no signature": f"{head}.{payload}.",
        "four parts": f"{GOOD}.{signature}",
        "five parts, as if encrypted": f"{head}.{signature}.{signature}.{payload}.{signature}",
        "a trailing dot": f"{GOOD}.",
        "a leading dot": f".{GOOD}",
        "a leading space": f" {GOOD}",
        "a trailing line": f"{GOOD}\n",
        "a NUL": f"{GOOD}\0",
        "Bearer before it": f"Bearer {GOOD}",
        "padding": f"{GOOD}=",
        "base64 of the other alphabet": f"{head}.{payload}.+/{signature[2:]}",
        "bits beyond the last byte": f"{head}.{payload}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        "letters of Unicode": GOOD.replace("e", "é", 1),
        "not UTF-8 once decoded": GOOD[:-1] + "\udcff",
        "a signature one byte short": f"{head}.{payload}.{encode(raw[:-1])}",
        "a signature one byte long": f"{head}.{payload}.{encode(raw + b'0')}",
        "the first bit of the signature": f"{head}.{payload}.{encode(bytes([raw[0] ^ 0x80]) + raw[1:])}",
        "the last bit of the signature": f"{head}.{payload}.{encode(raw[:-1] + bytes([raw[-1] ^ 1]))}",
        "a signature of zeros": f"{head}.{payload}.{encode(bytes(32))}",
        "another's claims under the signature": f"{head}.{encode(json.dumps(claims('admin')))}.{signature}",
        "another's header over the signature": f"{encode(json.dumps(HEADER | {'kid': 'x'}))}.{payload}.{signature}",
        "alg none": no_algorithm(claims()),
        "alg None": no_algorithm(claims(), "None"),
        "alg NONE": no_algorithm(claims(), "NONE"),
        "alg none, signed": signed({"alg": "none"}, claims()),
        "alg empty": signed({"alg": ""}, claims()),
        "alg missing": signed({"typ": "JWT"}, claims()),
        "alg null": signed({"alg": None}, claims()),
        "alg a list": signed({"alg": ["HS256"]}, claims()),
        "alg in small letters": signed({"alg": "hs256"}, claims()),
        "alg HS384": signed({"alg": "HS384"}, claims(), hash="sha384"),
        "alg HS512": signed({"alg": "HS512"}, claims(), hash="sha512"),
        "alg RS256 over an HMAC": signed({"alg": "RS256"}, claims()),
        "RS256 of a stranger": ISSUER.token("RS256", claims()),
        "ES256 of a stranger": ISSUER.token("ES256", claims()),
        "EdDSA of a stranger": ISSUER.token("EdDSA", claims()),
        "a key of its own, by jwk": jwt.encode(
            claims(), ISSUER.keys["RS256"], "RS256", {"jwk": json.loads(ISSUER.key_set())["keys"][0]}
        ),
        "a key of its own, by jku": signed(HEADER | {"jku": "http://127.0.0.1:1/keys"}, claims(), "x" * 40),
        "another secret": signed(HEADER, claims(), "x" * 40),
        "no secret": signed(HEADER, claims(), ""),
        "the secret and its line's end": signed(HEADER, claims(), SECRET + "\n"),
        "alg twice": signed('{"alg":"HS256","alg":"HS256"}', claims()),
        "alg twice, the second escaped": signed('{"alg":"HS256","\\u0061lg":"none"}', claims()),
        "crit": signed(HEADER | {"crit": ["exp"], "exp": now + 60}, claims()),
        "crit of nothing": signed(HEADER | {"crit": []}, claims()),
        "b64 false": signed(HEADER | {"b64": False}, claims()),
        "another type of token": signed(HEADER | {"typ": "dpop+jwt"}, claims()),
        "kid a number": signed(HEADER | {"kid": 7}, claims()),
        "a header that is no object": signed("[]", claims()),
        "a header with something behind it": signed('{"alg":"HS256"}{}', claims()),
        "a header nested without end": signed('{"alg":"HS256","x":' + "[" * 200 + "]" * 200 + "}", claims()),
        "expired": signed(HEADER, claims(seconds=-31)),
        "expired in 1970": signed(HEADER, claims() | {"exp": 0}),
        "expired before time": signed(HEADER, claims() | {"exp": -1e300}),
        "not yet valid": signed(HEADER, claims(nbf=now + 120)),
        "never valid": signed(HEADER, claims(nbf=1e300)),
        "exp a text": signed(HEADER, claims() | {"exp": str(now + 60)}),
        "exp true": signed(HEADER, claims() | {"exp": True}),
        "exp null": signed(HEADER, claims() | {"exp": None}),
        "exp infinite": signed(HEADER, '{"sub":"anna","exp":Infinity}'),
        "exp beyond any number": signed(HEADER, '{"sub":"anna","exp":1e999}'),
        "nbf a text": signed(HEADER, claims(nbf="now")),
        "iat a text": signed(HEADER, claims(iat="now")),
        "no subject": signed(HEADER, {"exp": now + 60}),
        "an empty subject": signed(HEADER, claims("")),
        "a subject that is a number": signed(HEADER, claims() | {"sub": 7}),
        "a null subject beside a userId": signed(HEADER, claims() | {"sub": None, "userId": "anna"}),
        "a subject twice": signed(HEADER, '{"sub":"anna","sub":"admin"}'),
        "a subject with a line's end": signed(HEADER, claims("anna\nadmin")),
        "a subject of 257 bytes": signed(HEADER, claims("a" * 257)),
        "sessions a text": signed(HEADER, claims() | {"sessions": "*"}),
        "sessions of numbers": signed(HEADER, claims() | {"sessions": [1]}),
        "a star in the middle of a session": signed(HEADER, claims(sessions=["a*b"])),
        "actions a text": signed(HEADER, claims(actions="stop")),
        "claims that are no object": signed(HEADER, "[]"),
        "claims that are no JSON": signed(HEADER, "anna"),
        "claims that are nothing": signed(HEADER, ""),
        "claims that are not UTF-8": signed(HEADER, b'{"sub":"\xff"}'),
        "7 KiB of nothing": "A" * 7000,
        "7 KiB of dots": "." * 7000,
        "7 KiB of a signature": f"{head}.{payload}.{'A' * 6900}",
    }
    queries = {name: f"token={quote(token, errors='surrogateescape')}" for name, token in middle.items()}
    return queries | {
        "twice": f"token={GOOD}&token={GOOD}",
        "an escape that is none": f"token={GOOD}%zz",
        "by another name": f"Token={GOOD}",
        "by a name with an index": f"token[]={GOOD}",
        "without an equals sign": "token",
    }


HEADERS = {
    "Basic": {"Authorization": "Basic YW5uYTphbm5h"},
    "no scheme": {"Authorization": GOOD},
    "an empty Bearer": {"Authorization": "Bearer "},
    "a forged Bearer": {"Authorization": f"Bearer {GOOD[:-2]}"},
    "a Bearer of two": {"Authorization": f"Bearer {GOOD}, Bearer {GOOD}"},
    "a cookie": {"Cookie": f"token={GOOD}"},
    "an X-Token": {"X-Token": GOOD},
}


def test_the_table_is_long_enough() -> None:
    assert len(forged()) + len(HEADERS) >= 60


@pytest.mark.parametrize("path", ["/ws/backtest/s1", "/ws/forward/s1", "/sse/backtest/s1"])
def test_every_token_that_is_none_gets_byte_for_byte_the_same_answer(guarded: Gateway, path: str) -> None:
    expected = raw_answer(guarded, path=path)
    assert expected.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert json.loads(expected.partition(b"\r\n\r\n")[2])["error"]["code"] == "UNAUTHORIZED"
    assert b"WWW-Authenticate: Bearer\r\n" in expected
    for name, query in forged().items():
        assert raw_answer(guarded, query, path) == expected, name
    for name, headers in HEADERS.items():
        assert raw_answer(guarded, path=path, **headers) == expected, name
    assert raw_answer(guarded, f"token={GOOD}", path, Authorization=f"Bearer {GOOD}") == expected, "two tokens, each of them good"


def test_over_long_requests_are_refused_before_a_token_is_looked_at(guarded: Gateway) -> None:
    before = metrics(guarded)
    assert raw_answer(guarded, f"token={'A' * 9000}").startswith(b"HTTP/1.1 414 ")
    assert raw_answer(guarded, Authorization=f"Bearer {'A' * 9000}").startswith(b"HTTP/1.1 431 ")
    after = metrics(guarded)
    assert {name: value for name, value in after.items() if "authentications" in name} == {
        name: value for name, value in before.items() if "authentications" in name
    }


def test_pyjwt_and_the_gateway_agree_about_what_it_issues(guarded: Gateway) -> None:
    """The claims that RFC 7519 has rules for, each as PyJWT judges it with the same leeway."""
    now = int(time.time())
    for number, extra in enumerate(
        [{}, {"exp": now + 5}, {"exp": now - 25}, {"exp": now - 35}, {"nbf": now + 25}, {"nbf": now + 40}, {"nbf": now - 5}, {"exp": now + 0.5},
         {"iat": now - 5}, {"aud": "anybody"}, {"iss": "anybody"}, {"jti": "x"}]
    ):  # fmt: skip
        token = jwt.encode({"sub": f"anna-{number}", "sessions": ["*"]} | extra, SECRET, algorithm="HS256")
        try:
            jwt.decode(token, SECRET, algorithms=["HS256"], leeway=30, options={"verify_aud": False})
            expected = True
        except jwt.InvalidTokenError:
            expected = False
        assert is_let_in(guarded, token) == expected, extra


async def test_a_client_that_reads_refusals_is_told_by_event_and_close_code(guarded: Gateway) -> None:
    async def refused(query: str, session: str = "s1") -> tuple[str, int]:
        async with websockets.connect(guarded.url(session, query=query), subprotocols=["wsg.v1"]) as tab:  # type: ignore[list-item]
            event = json.loads(await tab.recv())
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await tab.recv()
            return event["data"]["error_code"], closed.value.rcvd.code

    assert await refused("") == ("UNAUTHORIZED", 4401)
    assert await refused("token=x") == ("UNAUTHORIZED", 4401)
    assert await refused("token=a&token=b") == ("UNAUTHORIZED", 4401)
    assert await refused(f"token={signed(HEADER, claims(sessions=[]))}", "another") == ("FORBIDDEN", 4403)


# Anonymous clients


def test_without_keys_no_token_is_looked_at(gateway: Gateway) -> None:
    assert is_let_in(gateway, "nonsense")
    assert raw_answer(gateway, Authorization="Basic YTpi").startswith(b"HTTP/1.1 101 ")


def test_with_allow_anonymous_no_token_is_anonymous_and_a_bad_one_refused(serve: Serve, tmp_path: Path) -> None:
    gateway = serve("--jwt-secret-file", secret_file(tmp_path), "--allow-anonymous")
    ask(gateway, "PUT", "/v1/sessions/annas", {"owner": "anna"})
    assert raw_answer(gateway).startswith(b"HTTP/1.1 101 ")
    assert raw_answer(gateway, path="/ws/backtest/annas").startswith(b"HTTP/1.1 403 "), "a session with an owner is nobody else's"
    assert is_let_in(gateway, signed(HEADER, claims("anna", [])), "annas")
    assert not is_let_in(gateway, GOOD[:-2])
    assert raw_answer(gateway, "token=").startswith(b"HTTP/1.1 401 ")


def test_a_public_listener_open_to_the_network_may_ask_for_tokens_instead(tmp_path: Path) -> None:
    asked = run("serve", "--check", "--listen", "0.0.0.0:0", "--jwt-secret-file", secret_file(tmp_path))
    assert asked.returncode == 0, asked.stderr
    assert run("serve", "--check", "--listen", "0.0.0.0:0").returncode == 64


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--jwks", "/nowhere/jwks.json"), "/nowhere/jwks.json"),
        (("--jwt-secret-file", "/dev/null"), "at least 32 bytes"),
        (("--jwt-issuer", "x"), "without keys"),
        (("--token-expiry", "sometimes"), "connect, close"),
    ],
)
def test_keys_that_cannot_be_used_stop_the_start_with_one_line(flags: tuple[str, ...], reason: str) -> None:
    ended = run("serve", "--check", *flags)
    assert ended.returncode == 64
    assert reason in ended.stderr and ended.stderr.count("\n") == 1


# On the live connection


def test_a_token_is_renewed_or_stays(guarded: Gateway) -> None:
    with RawTab.opened(guarded, "renew", query=f"token={GOOD}") as tab:

        def authenticate(token: Any) -> dict[str, Any]:
            tab.send_frame(TEXT, json.dumps({"action": "authenticate", "ref": "r1", "token": token}))
            while (event := tab.event())["type"] == "heartbeat":
                pass
            return event

        assert authenticate(signed(HEADER, claims(actions=["stop"])))["type"] == "command_ack"
        for token in (signed(HEADER, claims("bert")), signed(HEADER, claims(sessions=["other"])), GOOD[:-2], "", 7, None):
            event = authenticate(token)
            assert (event["type"], event["data"]["error_code"]) == ("error", "UNAUTHORIZED")
            assert event["data"]["details"] == {"action": "authenticate", "ref": "r1"}
        assert authenticate(GOOD)["type"] == "command_ack"


async def test_commands_are_told_who_asks_and_only_those_of_the_token_are_passed_on(guarded: Gateway) -> None:
    token = signed(HEADER, claims("anna", actions=["Pause", "stop"]))
    async with linked(guarded) as engine:
        await engine.serve("claims")
        async with open_tab(guarded, "claims", query=f"token={token}") as tab:
            assert (await engine.heard("connected"))["subject"] == "anna"
            await tab.send(json.dumps({"action": "resume", "ref": "r1"}))
            refused = await tab.event("error")
            assert refused["data"]["error_code"] == "FORBIDDEN" and refused["data"]["details"] == {"action": "resume", "ref": "r1"}
            await tab.send(json.dumps({"action": "PAUSE", "ref": "r2"}))
            command = await engine.command()
            assert (command["action"], command["subject"]) == ("pause", "anna")
            await engine.reply(command)
            assert (await tab.event("command_ack"))["data"]["ref"] == "r2"


def test_where_that_is_set_the_end_of_its_token_closes_a_connection(serve: Serve, tmp_path: Path) -> None:
    gateway = serve("--jwt-secret-file", secret_file(tmp_path), "--token-expiry", "close")
    with RawTab.opened(gateway, "s1", query=f"token={signed(HEADER, claims(seconds=-26))}") as tab:
        while (frame := tab.frame()).opcode != CLOSE:
            pass
        assert frame.payload == (4401).to_bytes(2, "big") + b"token expired"
    closures = ask(gateway, "GET", "/v1/closures?session_id=s1").json["closures"]
    assert [closure["reason"] for closure in closures] == ["token_expired"]


# What is kept to itself


def test_a_token_is_told_to_nobody(serve: Serve, tmp_path: Path) -> None:
    gateway = serve("--jwt-secret-file", secret_file(tmp_path), "--log-level", "trace")
    bad = signed(HEADER, claims("a-marked-subject"), "x" * 40)
    answers = [raw_answer(gateway, f"token={token}") for token in (GOOD, bad)]
    answers += [raw_answer(gateway, Authorization=f"Bearer {bad}"), raw_answer(gateway, f"token={bad}&x=%zz")]
    with RawTab.opened(gateway, "s1", query=f"token={GOOD}") as tab:
        tab.send_frame(TEXT, json.dumps({"action": "authenticate", "token": bad}))
        answers.append(json.dumps(tab.event()).encode())
        answers.append(ask(gateway, "GET", f"/v1/connections/{tab.connected['connection_id']}").body)
    answers.append(ask(gateway, "GET", "/v1/closures").body)
    answers.append(ask(gateway, "GET", "/metrics").body)
    everything = gateway.stderr.encode() + b"".join(answers)
    for token in (GOOD, bad):
        for part in token.split("."):
            assert part.encode() not in everything or part == GOOD.split(".")[0] and part.encode() not in everything
    assert b"a-marked-subject" not in everything and SECRET.encode() not in everything
    reasons = [json.loads(line).get("reason") for line in gateway.stderr.splitlines() if "token refused" in line]
    assert reasons and set(reasons) <= {"signature", "claims", "ambiguous"}


def test_refusals_are_counted_by_their_reason(serve: Serve, tmp_path: Path) -> None:
    gateway = serve("--jwt-secret-file", secret_file(tmp_path))
    raw_answer(gateway)
    for token in (GOOD, GOOD, GOOD[:-2], signed(HEADER, claims(), "x" * 40), signed(HEADER, claims(seconds=-60)), no_algorithm(claims()) + "AA"):
        is_let_in(gateway, token)
    counted = {name: value for name, value in metrics(gateway).items() if name.startswith("wsg_authentications_total") and value}
    assert counted == {
        'wsg_authentications_total{outcome="accepted"}': 2,
        'wsg_authentications_total{outcome="missing"}': 1,
        'wsg_authentications_total{outcome="malformed"}': 1,
        'wsg_authentications_total{outcome="signature"}': 1,
        'wsg_authentications_total{outcome="expired"}': 1,
        'wsg_authentications_total{outcome="algorithm"}': 1,
    }
    assert metrics(gateway)['wsg_handshakes_total{outcome="unauthorized"}'] == 5


# How often


def test_an_address_that_shows_too_many_forged_tokens_is_told_429_and_when_to_come_back(serve: Serve, tmp_path: Path) -> None:
    gateway = serve("--jwt-secret-file", secret_file(tmp_path), "--trusted-proxies", "127.0.0.1", "--auth-failure-rate-per-address", "5")

    def status(token: Optional[str], address: str = "192.0.2.1") -> bytes:
        return raw_answer(gateway, f"token={token}" if token is not None else None, X_Forwarded_For=address)[9:12]

    assert status(GOOD) == b"101"
    expired = signed(HEADER, claims(seconds=-60))
    assert [status(token) for token in [None, expired] * 10] == [b"401"] * 20, "no guesses"
    forged = [signed(HEADER, claims(), f"{number:040}") for number in range(8)]
    assert [status(token) for token in forged] == [b"401"] * 5 + [b"429"] * 3
    assert b"Retry-After: " in raw_answer(gateway, f"token={forged[7]}", X_Forwarded_For="192.0.2.1")
    assert status(signed(HEADER, claims("new"))) == b"429", "nor is a good one looked at"
    assert status(GOOD) == b"101", "but one that was good before is known"
    assert status(None) == b"401"
    assert status(forged[0], "192.0.2.2") == b"401", "another address"
    assert status(forged[0], "192.0.2.1") == b"429"
    for _ in range(20):
        assert raw_answer(gateway, f"token={forged[0]}")[9:12] == b"401", "the proxy itself is not counted"


async def test_two_spellings_of_one_letter_are_two_users_with_commands_of_their_own(serve: Serve, tmp_path: Path) -> None:
    gateway = serve("--jwt-secret-file", secret_file(tmp_path))
    composed, decomposed = "Ren\u00e9", "Rene\u0301"
    tokens = [quote(signed(HEADER, claims(subject))) for subject in (composed, decomposed)]
    async with linked(gateway) as engine:
        await engine.serve("spelt")
        async with open_tab(gateway, "spelt", query=f"token={tokens[0]}") as one, open_tab(gateway, "spelt", query=f"token={tokens[1]}") as other:
            for tab in (one, other):
                await tab.send('{"action":"stop","ref":"only-once"}')
            commands = {command["subject"]: command for command in [await engine.command(), await engine.command()]}
            assert set(commands) == {composed, decomposed}
            await engine.reply(commands[composed], data={"closed": "one"})
            await engine.reply(commands[decomposed], data={"closed": "other"})
            for tab, name in ((one, "one"), (other, "other"), (other, "other"), (one, "one")):
                assert (await tab.event("command_ack"))["data"]["closed"] == name
                # And again, from what is remembered.
                await tab.send('{"action":"stop","ref":"only-once"}')
    assert ask(gateway, "PUT", "/v1/sessions/owned", {"owner": composed}).status == 201
    own = {subject: signed(HEADER, claims(subject, sessions=[])) for subject in (composed, decomposed)}
    assert is_let_in(gateway, own[composed], "owned") and not is_let_in(gateway, own[decomposed], "owned")
