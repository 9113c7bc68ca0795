"""Facts about Lambda that its callers see: the log, the answers, the API, tenants, the life of environments."""

from __future__ import annotations

import re

from tests.support.facts import (
    GUIDE,
    LIFE,
    MODEL,
    QUOTAS,
    RECORDED,
    TIMEOUT_S,
    Answered,
    Differs,
    Elsewhere,
    Fact,
    Logged,
    Refused,
)

NAMES = f"{RECORDED}test_lambda_api.snapshot.json: test_function_name_and_qualifier_validation"
EMULATOR = "https://github.com/aws/aws-lambda-runtime-interface-emulator/blob/4fa2157/internal/lambda/"
TENANCY = f"{GUIDE}tenant-isolation.html"

REPORT = r"REPORT RequestId: ID\tDuration: MS\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t"
TRACE = r"(.*\n)*?\[ERROR\] KeyError: (.*\n)*?"
INIT_REPORT = r"INIT_REPORT Init Duration: MS\t"
ARN = "arn:aws:lambda:local:000000000000:function:"
BAD_NAME = r"1 validation error detected: Value '{}' at 'functionName' failed to satisfy constraint: Member must .*"

OUTSIDE = [
    # The log
    Fact(
        "a cold start's log is START, END, and a REPORT with Init Duration that ends in a tab; no INIT_START",
        f"{RECORDED}test_lambda.snapshot.json: test_invocation_with_logs, test_invocation_type_event_error",
        Logged(
            "cold",
            rf"START RequestId: ID Version: \$LATEST\nEND RequestId: ID\n{REPORT}Init Duration: MS\t\n",
        ),
    ),
    Fact(
        "a warm start's REPORT has no Init Duration",
        f"{RECORDED}test_lambda.snapshot.json: test_invocation_type_event_error",
        Logged("warm", rf"START .*\nEND .*\n{REPORT}\n"),
    ),
    Fact(
        "Billed Duration is Duration and Init Duration together, rounded up",
        "https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/",
        Elsewhere("test_local_log.py", "test_each_line_is_lambdas"),
    ),
    Fact(
        "a timeout's Duration is the limit exactly, and a line with a Status ends without a tab",
        "https://aaronstuyvenberg.com/posts/lambda-timeout-doom-loop: `Duration: 3000.00 ms … Status: timeout`",
        Logged(
            "timeout", rf"START .*\nEND .*\nREPORT RequestId: ID\tDuration: {TIMEOUT_S}000.00 ms\t.*\tStatus: timeout\n"
        ),
    ),
    Fact(
        "after a timeout the init is repeated in the next invocation: Duration has it, Init Duration is not there",
        LIFE,
        Logged("after the timeout", rf"START .*\nEND .*\n{REPORT}\n"),
    ),
    Fact(
        "a crash is a Status and an Error Type in REPORT, and no line of its own",
        LIFE,
        Logged("crash", rf"START .*\nEND .*\n{REPORT}Status: error\tError Type: Runtime.ExitError\n"),
    ),
    Fact(
        "a failed init has an INIT_REPORT, is repeated before START, and has another. Types that are not a runtime's "
        "or a function's are Runtime.Unknown",
        f"{EMULATOR}rapid/handlers.go: doInvoke, and fatalerror/fatalerror.go: GetValidRuntimeOrFunctionErrorType",
        Logged(
            "broken",
            rf"{TRACE}{INIT_REPORT}Phase: init\tStatus: error\tError Type: Runtime.Unknown\n"
            rf"{TRACE}{INIT_REPORT}Phase: invoke\tStatus: error\tError Type: Runtime.Unknown\n"
            rf"START .*\nEND .*\n{REPORT}Status: error\tError Type: Runtime.Unknown\n",
        ),
    ),
    Fact(
        "a runtime's own type of error stands in the log: Runtime.ImportModuleError",
        "https://github.com/aws/aws-lambda-python-runtime-interface-client/pull/166",
        Elsewhere("test_local_lifecycle.py", "test_a_module_that_cannot_be_loaded_says_why"),
    ),
    Fact(
        "an init of more than 10 seconds is repeated in the invocation: INIT_REPORT … Phase: init Status: timeout",
        LIFE,
        Elsewhere("test_local_lifecycle.py", "test_an_init_that_is_too_long_is_repeated_in_the_invocation"),
    ),
    Fact(
        "out of memory: the caller gets Runtime.ExitError with `signal: killed`, REPORT says Runtime.OutOfMemory",
        "REPORT lines of users' functions, such as `Status: error\tError Type: Runtime.OutOfMemory`",
        Elsewhere("test_local_lifecycle.py", "test_too_much_memory_kills"),
    ),
    Fact(
        "Max Memory Used is the most that the environment has ever used",
        f"{GUIDE}python-logging.html",
        Elsewhere("test_local_lifecycle.py", "test_max_memory_is_the_most_ever_used"),
    ),
    Fact(
        "a fresh Python environment uses 36 MB, of which 10 or 11 are Lambda's own",
        f"{RECORDED}test_lambda.snapshot.json: test_invocation_type_event_error; REPORT lines whose function never "
        "started (`Max Memory Used: 10 MB\tStatus: error\tError Type: Runtime.InvalidEntrypoint`)",
        Differs("Max Memory Used"),
    ),
    Fact(
        "here a fresh environment counts its programs, too: without them a Python runtime has some 9 MB",
        "the row `Max Memory Used` of the page",
        Logged("cold", r"[\s\S]*Max Memory Used: (1[5-9]|2\d|3[0-6]) MB[\s\S]*"),
    ),
    Fact(
        "LogResult has the last 4 KB of the log, if asked for",
        f"{MODEL}: InvocationResponse.LogResult",
        Elsewhere("test_local_log.py", "test_the_tail_is_the_last_4096_bytes"),
    ),
    Fact("the log may be in JSON", f"{GUIDE}monitoring-cloudwatchlogs-logformat.html", Differs("log format")),
    # What the caller gets
    Fact(
        "an exception: errorMessage, errorType, requestId, stackTrace",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_handler_error",
        Elsewhere("test_local_lifecycle.py", "test_an_exception_is_awslambdarics_to_describe"),
    ),
    Fact(
        "a failed init: the same, with an empty requestId",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_runtime_error",
        Answered("broken", {"errorMessage": "'at import'", "errorType": "KeyError", "requestId": ""}),
    ),
    Fact(
        "a timeout is Sandbox.Timedout",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_invoke_with_timeout",
        Answered(
            "timeout",
            {
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"RequestId: ID Error: Task timed out after {TIMEOUT_S}.00 seconds",
            },
        ),
    ),
    Fact(
        "an exit status is named",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_runtime_wrapper_not_found",
        Answered(
            "crash",
            {
                "errorType": "Runtime.ExitError",
                "errorMessage": "RequestId: ID Error: Runtime exited with error: exit status 127",
            },
        ),
    ),
    Fact(
        "sys.exit() is `Runtime exited without providing a reason`",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_handler_exit",
        Elsewhere("test_local_lifecycle.py", "test_a_runtime_that_ends_says_how"),
    ),
    Fact(
        "a segmentation fault at start is reported as a timeout",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_runtime_exit_segfault",
        Differs("a runtime that crashes before it asks for its first event"),
    ),
    Fact(
        "a file in /tmp outlasts a timeout, a global of the function does not",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_invoke_timed_out_environment_reuse",
        Elsewhere("test_local_lifecycle.py", "test_a_timeout_kills_all_and_keeps_tmp"),
    ),
    Fact(
        "an answer has 6,291,556 bytes at most, else it is Function.ResponseSizeTooLarge",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_too_large_response",
        Elsewhere("test_local_invoke.py", "test_both_sides_of_the_response_limit"),
    ),
    # The API
    Fact(
        "an unknown function that is invoked is named with :$LATEST",
        f"{RECORDED}test_lambda.snapshot.json: test_invoke_exceptions",
        Refused(
            {"FunctionName": "doesnotexist"},
            404,
            "ResourceNotFoundException",
            re.escape(f"Function not found: {ARN}doesnotexist:$LATEST"),
        ),
    ),
    Fact(
        "one that is described is named without",
        f"{RECORDED}test_lambda_api.snapshot.json: test_ops_on_nonexisting_fn",
        Elsewhere("test_local_invoke.py", "test_who_describes_an_unknown_function_is_told_its_arn"),
    ),
    Fact(
        "a version that is not there is named",
        f"{RECORDED}test_lambda_api.snapshot.json: test_ops_on_nonexisting_version",
        Refused({"Qualifier": "1221"}, 404, "ResourceNotFoundException", f"Function not found: {ARN}shell:1221"),
    ),
    Fact(
        "a name of another form is a ValidationException",
        NAMES,
        Refused({"FunctionName": "my-function!"}, 400, "ValidationException", BAD_NAME.format("my-function!")),
    ),
    Fact(
        "so is an ARN without a region, or with two versions",
        NAMES,
        Refused({"FunctionName": f"{ARN}shell:1:2"}, 400, "ValidationException", BAD_NAME.format(f"{ARN}shell:1:2")),
    ),
    Fact(
        "a qualifier has 128 characters at most",
        NAMES,
        Refused(
            {"Qualifier": "a" * 129},
            400,
            "ValidationException",
            "1 validation error detected: Value 'a{129}' at 'qualifier' failed to satisfy constraint: "
            "Member must have length less than or equal to 128",
        ),
    ),
    Fact(
        "qualifiers are letters, digits, - and _",
        NAMES,
        Refused({"Qualifier": "invalid!"}, 400, "ValidationException", ".*Value 'invalid!' at 'qualifier' failed .*"),
    ),
    Fact(
        "two qualifiers have to agree",
        f"{RECORDED}test_lambda_api.snapshot.json: test_ops_with_arn_qualifier_mismatch",
        Elsewhere("test_local_invoke.py", "test_two_qualifiers_have_to_agree"),
    ),
    Fact(
        "functions of another region are out of reach",
        f"{RECORDED}test_lambda_api.snapshot.json: test_get_function_wrong_region",
        Elsewhere("test_local_invoke.py", "test_an_arn_of_another_region"),
    ),
    Fact(
        "the types of invocation are three",
        f"{MODEL}: InvocationType",
        Refused({"InvocationType": "Later"}, 400, "ValidationException", ".*'Later' at 'invocationType' failed .*"),
    ),
    Fact(
        "an event that is no JSON",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_invoke_payload_encoding_error",
        Refused(
            {"Payload": b"n\x87r"},
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json: Could not parse payload into json: .*",
        ),
    ),
    Fact(
        "a client context has 3,583 bytes at most",
        f"{MODEL}: InvocationRequest.ClientContext",
        Elsewhere("test_local_invoke.py", "test_a_client_context_has_a_size"),
    ),
    Fact(
        "an event has 6 MB at most",
        "https://github.com/awslabs/aws-athena-query-federation/issues/793",
        Elsewhere("test_local_invoke.py", "test_a_larger_event_is_refused"),
    ),
    Fact(
        "an asynchronous one has 1 MB",
        f"{QUOTAS}; https://github.com/ASFHyP3/hyp3/issues/2241",
        Elsewhere("test_local_invoke.py", "test_a_large_asynchronous_event_is_refused"),
    ),
    Fact(
        "an asynchronous event is answered by 202 and nothing",
        f"{RECORDED}test_lambda.snapshot.json: test_invocation_type_no_return_payload",
        Elsewhere("test_local_invoke.py", "test_events_run_in_the_background_and_wait_for_room"),
    ),
    Fact(
        "a dry run by 204",
        f"{RECORDED}test_lambda.snapshot.json: test_invocation_type_dry_run",
        Elsewhere("test_local_invoke.py", "test_a_dry_run_runs_nothing"),
    ),
    Fact(
        "too many at once are a TooManyRequestsException with a Reason",
        f"{RECORDED}test_lambda.snapshot.json: test_lambda_concurrency_block",
        Elsewhere("test_local_invoke.py", "test_ten_at_once_get_ten_environments_and_the_eleventh_none"),
    ),
    Fact(
        "errors have the status and the members of the service model",
        MODEL,
        Elsewhere("test_local_invoke.py", "test_errors_are_of_the_models_shape"),
    ),
    Fact("one environment takes 10 invocations a second", QUOTAS, Differs("invocations in a second")),
    Fact(
        "a timeout is 1,800 seconds at most, memory is 128 to 10,240 MB",
        f"{MODEL}: CreateFunctionRequest; {QUOTAS}",
        Elsewhere("test_local_start.py", "test_what_lambda_would_refuse_is_refused"),
    ),
    Fact(
        "accounts and regions are named in ARNs", f"{GUIDE}lambda-api-permissions-ref.html", Differs("account, region")
    ),
    # Tenants
    Fact("no environment serves two tenants", TENANCY, Elsewhere("test_local_invoke.py", "test_tenants_never_share")),
    Fact(
        "a tenant id has to be given, of 1 to 256 characters",
        f"{MODEL}: TenantId; https://aws.amazon.com/blogs/compute/building-multi-tenant-saas-applications-with-aws-"
        "lambdas-new-tenant-isolation-mode",
        Elsewhere("test_local_invoke.py", "test_a_tenant_id_has_to_be_given_and_of_its_form"),
    ),
    Fact(
        "a function without tenants takes no tenant id",
        f"{GUIDE}tenant-isolation-troubleshooting.html",
        Elsewhere("test_local_invoke.py", "test_a_tenant_id_is_refused_without_tenancy"),
    ),
    Fact(
        "2,500 environments of tenants for 1,000 concurrent executions, else Rate exceeded",
        TENANCY,
        Differs("too many tenants' environments"),
    ),
    # Life
    Fact(
        "an environment is frozen between invocations, and background processes go on with the next",
        LIFE,
        Elsewhere("test_local_freeze.py", "test_a_background_process_stands_still_between_invocations"),
    ),
    Fact(
        "one invocation after the other shares an environment",
        f"{GUIDE}lambda-concurrency.html",
        Elsewhere("test_local_invoke.py", "test_one_after_the_other_share_an_environment"),
    ),
    Fact("environments are replaced every few hours", LIFE, Differs("life of an environment")),
    Fact(
        "a client that leaves does not stop its function",
        f"{GUIDE}configuration-response-streaming.html",
        Elsewhere("test_local_invoke.py", "test_a_client_that_leaves_does_not_stop_its_invocation"),
    ),
]
