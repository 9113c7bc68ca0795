"""%network: what the environment's network is, and what can be reached from it."""

from __future__ import annotations

import html
import re
import uuid
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from ..aws.endpoints import service_host
from ..aws.usage import Key
from ..function.sent import connectivity, system
from ..output import live_view
from ..session.cell import Shown
from ..untrusted import array, flag, maybe, number, record, shown
from .arguments import Argument
from .base import Call, Magic

KEY = "lambda_network"
SECONDS = 2.5  # for each connection; all of them are made at the same time
MOST = 30
# What functions in a VPC most often call, and so what the VPC most often has endpoints for.
SERVICES = ("s3", "dynamodb", "sts", "secretsmanager", "ssm", "kms", "sqs", "sns", "logs", "lambda")
UNKNOWN = "not known"

TEXT = maybe(shown(300))
REPORT = record(
    {
        "address": TEXT,
        "dns": array(shown(100), 20),
        "routes": array(record(dict.fromkeys(("to", "gateway", "interface"), shown(100))), 500),
        "hosts": array(
            record({"state": shown(200), "address": TEXT, "private": flag, "ms": maybe(number(0, 1e6))}), 100
        ),
    }
)
# A name or an IPv4 address, or an IPv6 address in brackets.
TARGET = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_](?:[\w.-]{0,252})?)):(\d{1,5})", re.ASCII)


class Host(NamedTuple):
    """what: as the table names it. via: what a private address means there."""

    what: str
    name: str
    port: int
    via: str = "private address"


@dataclass(frozen=True)
class Probes:
    """What is tried besides what the user names. internet: a host there, and an address that needs no DNS. elsewhere:
    an address (RFC 5737, for documentation) to which nothing is sent: the way to it tells the own address."""

    internet: tuple[Host, ...] = (
        Host("internet", "checkip.amazonaws.com", 443),
        Host("internet, without DNS", "1.1.1.1", 443),
    )
    services: tuple[str, ...] = SERVICES
    elsewhere: tuple[str, int] = ("192.0.2.1", 9)
    seconds: float = SECONDS


def host(word: str) -> Host:
    found = TARGET.fullmatch(word)
    if not found or not 0 < int(found[3]) < 65_536:
        raise ValueError("a host and a port, such as `example.com:443`")
    return Host(word, found[1] or found[2], int(found[3]))


def run(call: Call, probes: Probes = Probes()) -> str:
    session = call.workspace.enter(call.emit, call.control)
    hosts = [*probes.internet, *services(call, session.transport.region, probes), *call.options.hosts]
    facts = live_view.ask(
        session,
        ("connectivity", REPORT),
        call.context,
        modules=(system, connectivity),
        hosts=[(one.name, one.port) for one in hosts],
        elsewhere=probes.elsewhere,
        seconds=probes.seconds,
    )
    found = facts | {"hosts": [one._asdict() | row for one, row in zip(hosts, facts["hosts"], strict=False)]}
    call.emit(Shown(uuid.uuid4().hex, table(rows(found)), {KEY: found}))
    return note(call)


def services(call: Call, region: str, probes: Probes) -> list[Host]:
    """None from the local emulator: no VPC is there."""
    if call.workspace.target.local:
        return []
    return [Host(name, service_host(name, region), 443, "by an endpoint of the VPC") for name in probes.services]


def note(call: Call) -> str:
    target = call.workspace.target
    if not target.local:
        return ""
    mode = target.emulator.network
    return f"The local emulator has no VPC. Its network is `{mode}`. On AWS, endpoints are looked for as well.\n"


def rows(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What, the result, and the time."""
    about = [("own address", facts["address"] or UNKNOWN, ""), ("DNS servers", ", ".join(facts["dns"]) or UNKNOWN, "")]
    ways = (
        f"{way['to']} {way['gateway'] and 'via ' + way['gateway'] + ' '}on {way['interface']}"
        for way in facts["routes"]
    )
    about.append(("routes", "; ".join(ways) or UNKNOWN, ""))
    return about + [
        (row["what"], result(row), "" if row["ms"] is None else f"{row['ms']:,.1f} ms") for row in facts["hosts"]
    ]


def result(row: Mapping[str, Any]) -> str:
    address, state = row["address"], str(row["state"])
    if row["private"] and address != row["name"] and state == "reached":
        return f"{state} at {address}, {row['via']}"
    return f"{state} at {address}" if address and address != row["name"] else state


def table(rows: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    widths = [max(len(row[at]) for row in rows) for at in range(2)]
    lines = (f"{what:<{widths[0]}}  {text:<{widths[1]}}  {time}".rstrip() for what, text, time in rows)
    cells = "".join(
        f'<tr><th style="text-align: left; white-space: nowrap">{html.escape(what)}</th>'
        f'<td style="text-align: left; white-space: normal">{html.escape(text)}</td>'
        f'<td style="white-space: nowrap">{html.escape(time)}</td></tr>'
        for what, text, time in rows
    )
    return {"text/plain": "\n".join(lines), "text/html": f"<table><tbody>{cells}</tbody></table>"}


def check(options: Namespace) -> str:
    return f"it takes {MOST} hosts at most" if len(options.hosts) > MOST else ""


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "address": Key("string", "the address that connections come from"),
        "dns": Key("list of strings", "addresses of the DNS servers"),
        "routes": Key("list of objects", "IPv4's: `to`, `gateway`, `interface`"),
        "hosts": Key(
            "list of objects",
            "connections: `what`, `name`, `port`, `via`; `state` (`reached`, `refused`, `timed out`, `no such name`), "
            "`address`, `private`, and `ms` with the time for the name",
        ),
    }
)

MAGIC = Magic(
    "network",
    "show addresses, DNS and routes, and what can be reached",
    run,
    (Argument("hosts", "a host and a port to try as well", "HOST:PORT…", read=host, nargs="*"),),
    check=check,
    more=(
        f"It tries the internet, AWS's services in the region, and what you name, all at once and for {SECONDS:g} s at "
        "most, by a TCP connection that sends nothing. A service at a private address has an endpoint in the VPC; a "
        "gateway endpoint (S3, DynamoDB) has public addresses. The addresses stay in the notebook."
    ),
    examples=(("%network db.internal:5432 cache.internal:6379", "see whether the function reaches its database"),),
)
