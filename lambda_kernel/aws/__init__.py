"""One invocation of a Lambda function by boto3: the target, the request, its errors, its report and its price."""
