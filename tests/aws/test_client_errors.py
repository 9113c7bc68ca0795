"""Every error that botocore knows of Invoke, and those of its own: which of ours, and in which words."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import botocore.exceptions as boto
import botocore.parsers
import botocore.session
import pytest
from botocore.awsrequest import HeadersDict

from lambda_kernel import errors
from lambda_kernel.aws.api_errors import refused
from lambda_kernel.aws.client_errors import client_side, mapped_errors, not_ours, original
from lambda_kernel.aws.error_text import ACCOUNT, ErrorContext
from tests.support.scripted_endpoint import Answer, endpoint

MODEL = botocore.session.get_session().get_service_model("lambda")
INVOKE = MODEL.operation_model("Invoke")
OUTPUT: Any = INVOKE.output_shape
SHAPES: dict[str, Any] = {shape.name: shape for shape in INVOKE.error_shapes}
HERE = ErrorContext("shell", "eu-west-1")
ENGINE = ErrorContext("shell", "local")

# By hand, from what the model's documentation says of each: after Unanswered the function may have run.
EXPECTED: dict[type[errors.KernelError], str] = {
    errors.Unanswered: "ServiceException EFSIOException",
    errors.Throttled: "TooManyRequestsException",
    errors.NotReady: """
        CodeArtifactUserDeletedException CodeArtifactUserPendingException EC2ThrottledException ENINotReadyException
        ResourceConflictException ResourceNotReadyException SnapStartNotReadyException
    """,
    errors.Refused: """
        CodeArtifactUserFailedException DurableExecutionAlreadyStartedException EC2AccessDeniedException
        EC2UnexpectedException EFSMountConnectivityException EFSMountFailureException EFSMountTimeoutException
        ENILimitReachedException InvalidParameterValueException InvalidRequestContentException InvalidRuntimeException
        InvalidSecurityGroupIDException InvalidSubnetIDException InvalidZipFileException KMSAccessDeniedException
        KMSDisabledException KMSInvalidStateException KMSNotFoundException ModeNotSupportedException
        NoPublishedVersionException RecursiveInvocationException RequestTooLargeException ResourceNotFoundException
        RuntimeAliasDeletedException RuntimeVersionDeletedException
        S3FilesMountConnectivityException S3FilesMountFailureException S3FilesMountTimeoutException
        SerializedRequestEntityTooLargeException ServiceQuotaExceededException SnapStartException
        SnapStartRegenerationFailureException SnapStartTimeoutException SubnetIPAddressLimitReachedException
        UnsupportedMediaTypeException
    """,
}
KINDS = {name: kind for kind, names in EXPECTED.items() for name in names.split()}
ADDED = sorted(set(SHAPES) - set(KINDS))  # by a botocore that is newer than this table
NEWER = dict.fromkeys(("RuntimeAliasDeletedException", "RuntimeVersionDeletedException"), 409)  # than our oldest one


def parsed(status: int, code: str, message: str = "why.", **more: Any) -> dict[str, Any]:
    """What botocore's own parser makes of a response."""
    headers = HeadersDict({"x-amzn-ErrorType": code, "x-amzn-RequestId": "an-id", **more.pop("headers", {})})
    body = json.dumps({"message": message, "Message": message, **more}).encode()
    response = {"status_code": status, "headers": headers, "body": body, "context": {"operation_name": "Invoke"}}
    parser = botocore.parsers.create_parser(MODEL.metadata["protocol"])
    told: dict[str, Any] = parser.parse(response, OUTPUT)
    shape = SHAPES.get(code)
    if shape is not None:  # as botocore's client does for errors of its model
        told |= parser.parse(response, shape)
    return told


def of(status: int, code: str, message: str = "why.", place: ErrorContext = HERE, **more: Any) -> errors.KernelError:
    return refused(parsed(status, code, message, **more), place)


def status_of(name: str) -> int:
    return int(SHAPES[name].metadata["error"]["httpStatusCode"]) if name in SHAPES else NEWER[name]


def is_a_sentence(text: str, advice: str = r": [a-z`]") -> bool:
    """One line; what, where, and after a colon what to do; without botocore's way of saying it."""
    return bool(re.search(advice, text)) and not re.search(r"An error occurred \(|\n|\{|\}|\.$|\(\)", text)


class TestTheModelOfInvoke:
    def test_the_table_of_this_test_is_of_the_model(self) -> None:
        assert set(KINDS) <= set(SHAPES) | set(NEWER)

    @pytest.mark.parametrize("name", [*ADDED, "AddedTomorrowException"])
    def test_an_error_that_a_newer_botocore_adds_is_told_by_its_code(self, name: str) -> None:
        """Whatever its status: a client's error comes before the function runs, a server's may come after."""
        for status in (400, 409, 499):
            error = of(status, name)
            assert type(error) is errors.Refused
            assert is_a_sentence(str(error)), error
            assert f"({name}: why)" in str(error)
        assert type(of(502, name)) is errors.Unanswered

    @pytest.mark.parametrize("name", sorted(KINDS))
    def test_each_error(self, name: str) -> None:
        error = of(status_of(name), name)
        text = str(error)
        assert type(error) is KINDS[name]
        assert is_a_sentence(text), text
        assert "`shell` in eu-west-1" in text
        assert name not in text, "the generic sentence names the code"
        assert "Lambda failed at" not in text or name == "ServiceException"

    @pytest.mark.parametrize("name", sorted(KINDS))
    def test_each_error_of_the_local_engine_has_advice_that_fits(self, name: str) -> None:
        text = str(of(status_of(name), name, place=ENGINE))
        assert is_a_sentence(text), text
        assert "in the local emulator" in text
        assert not re.search(r"aws |lambda-kernel deploy|console", text.rpartition(": ")[2])

    def test_one_of_them_through_the_real_client(self) -> None:
        from tests.aws.test_transport import transport

        with endpoint(Answer.error(502, "KMSDisabledException", "no such luck.")) as at:
            with pytest.raises(errors.Refused, match=r"`shell` in eu-west-1 \(no such luck\): check its KMS key"):
                transport(at, tenancy=True).invoke({})
            assert len(at.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "AccessDeniedException", errors.AccessDenied, "lacks lambda:InvokeFunction on `shell` in eu-west-1"),
        (403, "ExpiredTokenException", errors.BadCredentials, "have expired: "),
        (403, "ExpiredToken", errors.BadCredentials, "have expired: "),
        (403, "UnrecognizedClientException", errors.BadCredentials, "does not accept the credentials"),
        (403, "InvalidClientTokenId", errors.BadCredentials, "does not accept the credentials"),
        (403, "InvalidSignatureException", errors.BadCredentials, "machine's clock"),
        (403, "SignatureDoesNotMatch", errors.BadCredentials, "machine's clock"),
        (400, "RequestExpired", errors.BadCredentials, "machine's clock"),
        (403, "IncompleteSignatureException", errors.BadCredentials, "does not accept the credentials"),
        (403, "MissingAuthenticationToken", errors.BadCredentials, "does not accept the credentials"),
        (403, "MissingAuthenticationTokenException", errors.BadCredentials, "does not accept the credentials"),
        (403, "OptInRequired", errors.Refused, "enable the region"),
        (413, "RequestEntityTooLargeException", errors.Refused, "too large"),
        (400, "ThrottlingException", errors.Throttled, "throttled"),
        (429, "", errors.Throttled, "throttled"),
        (503, "ServiceUnavailable", errors.Unanswered, "why"),
        (500, "InternalFailure", errors.Unanswered, "why"),
        (404, "UnknownOperationException", errors.Refused, "not Lambda's"),
        (407, "", errors.Unreachable, "HTTPS_PROXY"),
        (502, "", errors.Unanswered, "Lambda failed"),
        (599, "NeverHeardOf", errors.Unanswered, "why"),
        (400, "NeverHeardOf", errors.Refused, r"NeverHeardOf: why.*%status --verbose"),
        (307, "", errors.Refused, "307"),
    ],
)
def test_errors_that_every_service_has(status: int, code: str, kind: type[errors.KernelError], words: str) -> None:
    error = of(status, code)
    assert type(error) is kind
    assert re.search(words, str(error)), error
    assert is_a_sentence(str(error)), error


def test_a_code_with_an_address_behind_it() -> None:
    assert "no function named" in str(of(404, "ResourceNotFoundException:http://internal.amazon.com/coral/com.amazon/"))


def test_a_page_of_a_proxy_is_cut_and_has_no_markup() -> None:
    response = {
        "Error": {"Code": "503", "Message": "<html>\n<b>Bad  Gateway</b>" + "x" * 9000},
        "ResponseMetadata": {"HTTPStatusCode": 503},
    }
    error = refused(response, HERE)
    assert isinstance(error, errors.Unanswered)
    assert "(Bad Gatewayx" in str(error).replace("Gateway x", "Gatewayx")
    assert len(str(error)) < 700


class TestThrottles:
    REASONS = SHAPES["TooManyRequestsException"].members["Reason"].enum

    def throttle(self, place: ErrorContext = HERE, after: str = "", **more: Any) -> errors.KernelError:
        return of(429, "TooManyRequestsException", "Rate exceeded", place, headers={"retry-after": after}, **more)

    def test_each_reason_has_its_own_words(self) -> None:
        texts = [str(self.throttle(Reason=reason)) for reason in self.REASONS]
        assert len(self.REASONS) == 6
        assert len(set(texts)) == 6
        for reason, text in zip(self.REASONS, texts, strict=True):
            assert is_a_sentence(text, r": \D.*: [a-z]"), text
            assert "`shell` in eu-west-1" in text
            assert reason not in text
            assert "Rate exceeded" not in text

    def test_a_reason_of_later_days_is_named(self) -> None:
        assert "throttled `shell` in eu-west-1: Unheard: wait" in str(self.throttle(Reason="Unheard"))

    def test_a_new_accounts_limit_is_named(self) -> None:
        assert "a new account has 10" in str(self.throttle(Reason="ConcurrentInvocationLimitExceeded"))

    def test_a_tenant_hears_of_its_quota_where_no_reason_is_given(self) -> None:
        tenant = ErrorContext("shell", "eu-west-1", tenant=True)
        assert "25 in an account with 10 concurrent executions" in str(self.throttle(tenant))
        assert "25" not in str(self.throttle(tenant, Reason="CallerRateLimitExceeded"))
        assert "25" not in str(self.throttle())

    @pytest.mark.parametrize(
        ("place", "reason", "limit", "quota"),
        [
            (HERE, "ConcurrentInvocationLimitExceeded", "the account's limit", False),
            (
                HERE,
                "ReservedFunctionConcurrentInvocationLimitExceeded",
                "the function's reserved concurrency",
                False,
            ),
            (HERE, "", "Lambda's limit", False),
            (ErrorContext("shell", "eu-west-1", tenant=True), "", "perhaps the quota of tenants' environments", True),
            (ENGINE, "ConcurrentInvocationLimitExceeded", "the local emulator's limit", False),
        ],
    )
    def test_whose_limit_it_is(self, place: ErrorContext, reason: str, limit: str, quota: bool) -> None:
        error = self.throttle(place, **({"Reason": reason} if reason else {}))
        assert isinstance(error, errors.Throttled)
        assert (error.limit, error.quota) == (limit, quota)

    def test_in_the_engine_the_cells_themselves_are_the_load(self) -> None:
        text = str(self.throttle(ENGINE, Reason="ConcurrentInvocationLimitExceeded"))
        assert text.endswith("wait until another cell on the local emulator has ended")

    @pytest.mark.parametrize(
        ("after", "seconds"),
        [("7", 7), ("", 0), ("0", 0), ("86400", 60), ("inf", 0), ("nan", 0), ("-5", 0), ("7.5", 0), ("٣", 0), ("x", 0)],
    )
    def test_the_seconds_to_wait_are_a_header_and_so_any_text(self, after: str, seconds: float) -> None:
        error = self.throttle(after=after)
        assert isinstance(error, errors.Throttled)
        assert error.after == seconds


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        *[(state, errors.NotReady) for state in ("Pending", "Inactive", "NeverHeardOf")],
        *[(state, errors.Refused) for state in ("Failed", "Deactivating", "Deactivated", "ActiveNonInvocable")],
    ],
)
def test_the_state_of_a_function(state: str, kind: type[errors.KernelError]) -> None:
    text = "The operation cannot be performed at this time. The function is currently in the following state: "
    error = of(409, "ResourceConflictException", text + state)
    assert type(error) is kind
    assert state in str(error)
    assert is_a_sentence(str(error))


def test_an_update_under_way_is_waited_for() -> None:
    message = "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:x"
    assert isinstance(of(409, "ResourceConflictException", message), errors.NotReady)


@pytest.mark.parametrize(
    "message",
    [
        "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request.",
        "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request.",
    ],
)
def test_tenancy_is_a_kind_of_its_own(message: str) -> None:
    assert isinstance(of(400, "InvalidParameterValueException", message), errors.WrongTenancy)


def test_the_missing_action_is_the_one_that_aws_names() -> None:
    message = "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: sts:AssumeRole on resource: r"
    assert "lacks sts:AssumeRole on" in str(of(403, "AccessDenied", message))


class TestAccountIds:
    MESSAGE = "User: arn:aws:iam::123456789012:user/dev may not (account 210987654321, bucket b-123456789012-x)"

    def test_they_are_masked(self) -> None:
        text = str(of(403, "AccessDeniedException", self.MESSAGE))
        assert "arn:aws:iam::************:user/dev" in text
        assert not ACCOUNT.search(text)

    def test_in_a_functions_arn_too(self) -> None:
        place = ErrorContext("arn:aws:lambda:eu-west-1:123456789012:function:shell", "eu-west-1")
        assert "arn:aws:lambda:eu-west-1:************:function:shell" in str(
            of(404, "ResourceNotFoundException", place=place)
        )
        assert "123456789012" not in str(not_ours({}, place.function))

    @pytest.mark.parametrize("text", ["1234567890123", "12345678901", "6bc28136-0000-4365-b021-012345678901"])
    def test_other_numbers_are_not(self, text: str) -> None:
        assert text in str(of(500, "ServiceException", f"see {text} there"))

    def test_the_whole_is_kept_for_the_user(self) -> None:
        response: Any = parsed(403, "AccessDeniedException", self.MESSAGE)
        with pytest.raises(errors.AccessDenied) as caught, mapped_errors(HERE):
            raise boto.ClientError(response, "Invoke")
        told = original(caught.value)
        assert "AccessDeniedException, HTTP status 403, request an-id: User: arn:aws:iam::123456789012:user/dev" in told


def stub(kind: type[boto.BotoCoreError]) -> boto.BotoCoreError:
    """One of botocore's exceptions, from keywords that its own format names."""
    names = re.findall(r"{(\w+)", kind.fmt)
    more: dict[str, Any] = {"last_response": {}} if kind is boto.WaiterError else {"error": "e"}
    return kind(**{**more, **dict.fromkeys(names, "of account 123456789012")})


CLIENT_SIDE = sorted(
    (
        kind
        for _, kind in inspect.getmembers(boto, inspect.isclass)
        if issubclass(kind, boto.BotoCoreError) and kind.__module__ == "botocore.exceptions"
    ),
    key=lambda kind: kind.__name__,
)
# By hand: of all the others nothing has left this machine.
MAY_HAVE_RUN = [
    "ChecksumError",
    "ConnectionClosedError",
    "ConnectionError",
    "FlexibleChecksumError",
    "HTTPClientError",
    "IncompleteReadError",
    "ReadTimeoutError",
    "ResponseStreamingError",
    "SSLError",
]
NOT_CONNECTED = ["ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError"]


class TestBotocoresOwn:
    @pytest.mark.parametrize("kind", CLIENT_SIDE)
    def test_each_exception(self, kind: type[boto.BotoCoreError]) -> None:
        told = client_side(stub(kind), HERE)
        assert isinstance(told, errors.Unanswered) == (kind.__name__ in MAY_HAVE_RUN)
        assert isinstance(told, errors.Unreachable) == (kind.__name__ in NOT_CONNECTED)
        assert is_a_sentence(str(told)), told
        assert not ACCOUNT.search(str(told))
        assert not re.search("aws sso|profile", str(client_side(stub(kind), ENGINE)).rpartition(": ")[2])

    @pytest.mark.parametrize("kind", CLIENT_SIDE)
    def test_whatever_comes_before_an_invocation_has_left(self, kind: type[boto.BotoCoreError]) -> None:
        assert isinstance(client_side(stub(kind), HERE, left=False), errors.Refused)

    def test_what_is_not_known_after_it_has_left(self) -> None:
        assert isinstance(client_side(boto.BotoCoreError(), HERE, left=True), errors.Unanswered)
        assert isinstance(client_side(ZeroDivisionError(), HERE, left=True), errors.Unanswered)

    @pytest.mark.parametrize(
        ("error", "kind", "words"),
        [
            (boto.NoCredentialsError(), errors.BadCredentials, "no AWS credentials for `shell`.*aws configure"),
            (boto.PartialCredentialsError(provider="env", cred_var="k"), errors.BadCredentials, "missing: k.*profile"),
            (boto.UnauthorizedSSOTokenError(), errors.BadCredentials, "run `aws sso login`"),
            (boto.SSOTokenLoadError(error_msg="x"), errors.BadCredentials, "run `aws sso login`"),
            (boto.TokenRetrievalError(provider="sso", error_msg="x"), errors.BadCredentials, "run `aws sso login`"),
            (boto.CredentialRetrievalError(provider="custom-process", error_msg="x"), errors.BadCredentials, "process"),
            (boto.ProfileNotFound(profile="dev"), errors.BadCredentials, r"\(dev\) could not be found: .*--profile"),
            (boto.NoRegionError(), errors.BadSettings, "no AWS region is set.*--region, or set AWS_REGION"),
            (boto.InvalidRegionError(region_name="no where"), errors.BadSettings, "no where.*--region"),
            (boto.ConfigParseError(path="/a", error="b"), errors.BadSettings, "/a.*AWS_CONFIG_FILE"),
            (boto.InvalidProxiesConfigError(), errors.BadSettings, "proxies_config.*HTTPS_PROXY"),
            (boto.ProxyConnectionError(proxy_url="http://p", error="407"), errors.Unreachable, "HTTPS_PROXY"),
            (boto.ParamValidationError(report="a\nb"), errors.Refused, "a b"),
            (botocore.parsers.ResponseParserError("bad"), errors.Unanswered, "bad"),
            (FileNotFoundError(2, "nothing there", "keys.sh"), errors.BadSettings, "keys.sh"),
            (ValueError("Invalid endpoint: x"), errors.BadSettings, "Invalid endpoint: x"),
        ],
    )
    def test_what_to_do_is_said(self, error: Exception, kind: type[errors.KernelError], words: str) -> None:
        with pytest.raises(kind, match=words) as caught, mapped_errors(HERE):
            raise error
        assert type(caught.value) is kind

    def test_a_profile_is_signed_in_by_name(self) -> None:
        place = ErrorContext("shell", "eu-west-1", "my dev")
        assert "`aws sso login --profile 'my dev'`" in str(client_side(boto.UnauthorizedSSOTokenError(), place))

    def test_an_error_of_ours_and_a_bug_pass(self) -> None:
        for error in (errors.WrongTenancy("x"), ZeroDivisionError("x")):
            with pytest.raises(type(error)), mapped_errors(HERE):
                raise error


def test_keys_of_an_engine_that_runs_by_itself() -> None:
    for error in (of(403, "UnrecognizedClientException", place=ENGINE), client_side(boto.NoCredentialsError(), ENGINE)):
        assert "`lambda-kernel local` printed" in str(error)


class TestRenewal:
    def test_keys_in_the_environment_need_a_restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIA")
        assert "restart the kernel with new ones" in str(of(403, "ExpiredToken"))
        assert "aws sso login --profile dev" in str(of(403, "ExpiredToken", place=ErrorContext("f", "r", "dev")))

    def test_others_do_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
        monkeypatch.setenv("AWS_PROFILE", "team")
        assert "renew them (for example with `aws sso login --profile team`) and try again" in str(
            of(403, "ExpiredToken")
        )
