"""What GetFunctionConfiguration, GetFunction and ListFunctions say about the one function.

Members as in botocore's lambda service model, 2015-03-31.
"""

from __future__ import annotations

import base64
import hashlib
import platform
import sys
import uuid
from datetime import datetime, timezone
from typing import Any

from .quotas import ACCOUNT, VERSION, function_arn
from .settings import Settings


class FunctionConfig:
    """Describes the function; made when first asked for."""

    def __init__(self, settings: Settings) -> None:
        files = sorted(path for path in (settings.code, *settings.code.rglob("*")) if path.is_file())
        text = settings.text
        contents = b"".join(path.read_bytes() for path in files) if text is None else text.encode()
        changed = max((path.stat().st_mtime for path in files), default=0)
        self._settings = settings
        self.configuration: dict[str, Any] = {
            "FunctionName": settings.function,
            "FunctionArn": function_arn(settings.function),
            "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/{settings.function}",
            "Handler": settings.handler,
            "CodeSize": len(contents),
            "Description": "Served by lambda-kernel's local emulator",
            "Timeout": int(settings.timeout_s),
            "MemorySize": settings.memory_mb,
            "LastModified": datetime.fromtimestamp(changed, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "CodeSha256": base64.b64encode(hashlib.sha256(contents).digest()).decode(),
            "Version": VERSION,
            "Environment": {"Variables": dict(settings.environment)},
            "TracingConfig": {"Mode": "PassThrough"},
            "RevisionId": str(uuid.uuid4()),
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": ["arm64" if platform.machine() == "aarch64" else "x86_64"],
            "EphemeralStorage": {"Size": settings.storage_mb},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{settings.function}"},
        }
        if settings.tenancy:
            self.configuration["TenancyConfig"] = {"TenantIsolationMode": "PER_TENANT"}
        if settings.image is not None:
            # Functions of an image have neither (GetFunctionConfiguration in the API reference).
            del self.configuration["Runtime"], self.configuration["Handler"]
            self.configuration["PackageType"] = "Image"

    def function(self) -> dict[str, Any]:
        """Return the answer of GetFunction. The code is in a directory instead of S3."""
        image = self._settings.image
        if image is not None:
            code = {"RepositoryType": "ECR", "ImageUri": image.name}
            return {"Configuration": self.configuration, "Code": code}
        location = self._settings.code.resolve().as_uri()
        return {"Configuration": self.configuration, "Code": {"RepositoryType": "S3", "Location": location}}

    def functions(self) -> dict[str, Any]:
        return {"Functions": [self.configuration]}
