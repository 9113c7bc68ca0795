# lambda-kernel @version@: a shell in AWS Lambda.
terraform {
  required_providers {
    archive = { source = "hashicorp/archive" }
    aws     = { source = "hashicorp/aws", version = ">= 6.22" } # the first with tenancy_config
  }
}

locals {
@settings@}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "archive_file" "shell" {
  type        = "zip"
  output_path = "${path.module}/${local.name}.zip"

  source {
    filename = "index.py"
    content  = <<EOT
@code@EOT
  }
}

resource "aws_cloudwatch_log_group" "shell" {
  name              = "/aws/lambda/${local.name}"
  retention_in_days = local.retention
  tags              = local.tags
}

resource "aws_iam_role" "shell" {
  count                = local.role == "" ? 1 : 0
  name_prefix          = "lambda-kernel-"
  permissions_boundary = local.permissions_boundary
  tags                 = local.tags

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "logs" {
  count = length(aws_iam_role.shell)
  name  = "logs"
  role  = aws_iam_role.shell[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.shell.arn}:*"
    }]
  })
}

resource "aws_iam_role_policy" "network" {
  count = length(local.subnets) == 0 ? 0 : length(aws_iam_role.shell)
  name  = "network"
  role  = aws_iam_role.shell[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = local.network, Resource = "*" },
      {
        Effect   = "Deny"
        Action   = local.network
        Resource = "*"
        Condition = {
          ArnLike = {
            "lambda:SourceFunctionArn" = join(":", [
              "arn", data.aws_partition.this.partition, "lambda", "*",
              data.aws_caller_identity.this.account_id, "function", "${local.name}*"
            ])
          }
        }
      }
    ]
  })
}

resource "aws_iam_role_policy_attachment" "shell" {
  for_each   = toset(local.policies)
  role       = aws_iam_role.shell[0].name
  policy_arn = each.value
}

resource "aws_lambda_function" "shell" {
  for_each         = local.functions
  function_name    = each.key
  description      = "A shell for lambda-kernel @version@"
  filename         = data.archive_file.shell.output_path
  source_code_hash = data.archive_file.shell.output_base64sha256
  handler          = "index.handler"
  runtime          = local.runtime
  role             = local.role == "" ? aws_iam_role.shell[0].arn : local.role
  architectures    = [each.value.architecture]
  memory_size      = each.value.memory
  timeout          = local.timeout
  layers           = local.layers
  kms_key_arn      = local.kms_key
  tags             = local.tags

  ephemeral_storage {
    size = local.storage
  }

  logging_config {
    log_group  = aws_cloudwatch_log_group.shell.name
    log_format = local.log_format
  }

  dynamic "tenancy_config" {
    for_each = local.tenant_isolation ? ["PER_TENANT"] : []
    content {
      tenant_isolation_mode = tenancy_config.value
    }
  }

  dynamic "environment" {
    for_each = length(local.variables) == 0 ? [] : [local.variables]
    content {
      variables = environment.value
    }
  }

  dynamic "vpc_config" {
    for_each = length(local.subnets) == 0 ? [] : [local.subnets]
    content {
      subnet_ids         = vpc_config.value
      security_group_ids = local.security_groups
    }
  }

  # Else the role may lack what creating the function in a VPC needs.
  depends_on = [aws_iam_role_policy.network]
}
