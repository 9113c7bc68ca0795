"""The variables that a function finds in its environment.

The key set is complete: recorded from AWS for python3.12 to 3.14 by LocalStack's test_lambda_common (2026-01-12).
There is no HOME, USER, TERM or TMPDIR on Lambda, and nothing of the host's comes in.
"""

from __future__ import annotations

import base64
import secrets
import string
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from .quotas import REGION, VERSION
from .settings import Settings


@dataclass(frozen=True)
class Places:
    """Where an environment sees its files: Lambda's paths inside a sandbox, else the host's."""

    task: str = "/var/task"
    runtime: str = "/var/runtime"
    # What an image sets itself: paths, language and time zone are not Lambda's then.
    own: Mapping[str, str] | None = None


def function_variables(settings: Settings, runtime_api: str, places: Places) -> dict[str, str]:
    """Return one environment's variables, its made-up credentials included; the function's own come first to last."""
    return {
        **settings.environment,
        **_about_the_function(settings),
        **_credentials(),
        **_paths_and_language(settings, places),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "SHLVL": "0",
    }


def _about_the_function(settings: Settings) -> dict[str, str]:
    stream = f"{time.strftime('%Y/%m/%d')}/[{VERSION}]{secrets.token_hex(16)}"
    return {
        "_HANDLER": settings.handler,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": settings.function,
        "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.function}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
    }


def _credentials() -> dict[str, str]:
    """Make random credentials like those of an execution role. They give no access, but redaction recognises them."""
    letters = string.ascii_uppercase + string.digits
    return {
        "AWS_ACCESS_KEY_ID": "ASIA" + "".join(secrets.choice(letters) for _ in range(16)),
        "AWS_SECRET_ACCESS_KEY": base64.b64encode(secrets.token_bytes(30)).decode(),
        "AWS_SESSION_TOKEN": base64.b64encode(secrets.token_bytes(240)).decode(),
    }


def _paths_and_language(settings: Settings, places: Places) -> dict[str, str]:
    task, runtime = places.task, places.runtime
    directories = {"LAMBDA_RUNTIME_DIR": runtime, "LAMBDA_TASK_ROOT": task}
    if places.own is not None:
        return {**directories, **places.own, **settings.environment}
    return {
        **directories,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "LD_LIBRARY_PATH": f"/var/lang/lib:/lib64:/usr/lib64:{runtime}:{runtime}/lib:{task}:{task}/lib:/opt/lib",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "PWD": task,
        "PYTHONPATH": runtime,
        "TZ": settings.environment.get("TZ", ":UTC"),
    }
