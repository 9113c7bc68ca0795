"""What botocore has to know of Lambda to call Invoke and GetFunctionConfiguration, and no more.

Its own model of Lambda and its list of all endpoints take 60 ms and 10 MB to read.

Importing this imports botocore, which takes 75 ms.
"""

from __future__ import annotations

from typing import Any

from botocore.loaders import Loader, create_loader
from botocore.session import Session

from .data_files import FILES

SERVICE, VERSION = "lambda", "2015-03-31"
TEXT = {"shape": "String"}
# What we send and read, as in botocore's own model (lambda/2015-03-31/service-2.json). Errors without a shape here are
# ClientError, with code and message. Throttling has more.
MODEL: dict[str, Any] = {
    "version": "2.0",
    "metadata": {
        "apiVersion": VERSION,
        "auth": ["aws.auth#sigv4"],
        "endpointPrefix": SERVICE,
        "protocol": "rest-json",
        "protocols": ["rest-json"],
        "serviceFullName": "AWS Lambda",
        "serviceId": "Lambda",
        "signatureVersion": "v4",
        "signingName": SERVICE,
        "uid": f"{SERVICE}-{VERSION}",
    },
    "operations": {
        "Invoke": {
            "name": "Invoke",
            "http": {
                "method": "POST",
                "requestUri": f"/{VERSION}/functions/{{FunctionName}}/invocations",
                "responseCode": 200,
            },
            "input": {"shape": "InvocationRequest"},
            "output": {"shape": "InvocationResponse"},
            "errors": [{"shape": "TooManyRequestsException"}],
        },
        "GetFunctionConfiguration": {
            "name": "GetFunctionConfiguration",
            "http": {
                "method": "GET",
                "requestUri": f"/{VERSION}/functions/{{FunctionName}}/configuration",
                "responseCode": 200,
            },
            "input": {"shape": "GetFunctionConfigurationRequest"},
            "output": {"shape": "FunctionConfiguration"},
            "errors": [],
        },
    },
    "shapes": {
        "Blob": {"type": "blob", "sensitive": True},
        "FunctionName": {"type": "string", "max": 256, "min": 1},
        "Integer": {"type": "integer"},
        "String": {"type": "string"},
        "TenantId": {"type": "string", "max": 256, "min": 1},
        "GetFunctionConfigurationRequest": {
            "type": "structure",
            "required": ["FunctionName"],
            "members": {"FunctionName": {"shape": "FunctionName", "location": "uri", "locationName": "FunctionName"}},
        },
        "FunctionConfiguration": {"type": "structure", "members": {"State": TEXT, "StateReason": TEXT}},
        "InvocationRequest": {
            "type": "structure",
            "required": ["FunctionName"],
            "members": {
                "FunctionName": {"shape": "FunctionName", "location": "uri", "locationName": "FunctionName"},
                "LogType": TEXT | {"location": "header", "locationName": "X-Amz-Log-Type"},
                "Payload": {"shape": "Blob"},
                "TenantId": {"shape": "TenantId", "location": "header", "locationName": "X-Amz-Tenant-Id"},
            },
            "payload": "Payload",
        },
        "InvocationResponse": {
            "type": "structure",
            "members": {
                "StatusCode": {"shape": "Integer", "location": "statusCode"},
                "FunctionError": TEXT | {"location": "header", "locationName": "X-Amz-Function-Error"},
                "LogResult": TEXT | {"location": "header", "locationName": "X-Amz-Log-Result"},
                "Payload": {"shape": "Blob"},
            },
            "payload": "Payload",
        },
        "TooManyRequestsException": {
            "type": "structure",
            "members": {
                "retryAfterSeconds": TEXT | {"location": "header", "locationName": "Retry-After"},
                "Type": TEXT,
                "message": TEXT,
                "Reason": TEXT,
            },
            "error": {"httpStatusCode": 429, "senderFault": True},
            "exception": True,
        },
    },
}
# One partition, for a client whose endpoint is given: no endpoint is made from it.
ONE_PARTITION: dict[str, Any] = {
    "version": 3,
    "partitions": [
        {
            "partition": "aws",
            "dnsSuffix": "amazonaws.com",
            "regionRegex": r"^\w+\-\w+\-\d+$",
            "regions": {},
            "services": {},
            "defaults": {
                "hostname": "{service}.{region}.{dnsSuffix}",
                "protocols": ["https"],
                "signatureVersions": ["v4"],
                "variants": [],
            },
        }
    ],
}


class InvokeData(Loader):
    """Loads botocore's data; of Lambda what is here. alone: Lambda is the only service, at a known endpoint."""

    alone = False

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        if service_name != SERVICE:  # of STS and SSO, for credentials
            return super().load_service_model(service_name, type_name, api_version)
        # By its path: else botocore looks for Lambda in the directories of all services.
        return MODEL if type_name == "service-2" else self.load_data(f"{SERVICE}/{VERSION}/{type_name}")

    def load_data_with_path(self, name: str) -> Any:
        if self.alone and name == "endpoints":
            return ONE_PARTITION, f"{self.BUILTIN_DATA_PATH}/{name}"  # as if it were botocore's own
        return super().load_data_with_path(name)


def know_invoke_only(session: Session, alone: bool) -> None:
    """Before the first client of the session is made. Other data that the user gives botocore (AWS_DATA_PATH) count."""
    data = InvokeData(file_loader=FILES)
    data.search_paths[:] = create_loader(session.get_config_variable("data_path")).search_paths
    data.alone = alone
    session.register_component("data_loader", data)
