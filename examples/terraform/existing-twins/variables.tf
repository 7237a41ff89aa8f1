variable "region" {
  description = "The AWS region."
  type        = string
  default     = "us-east-1"
}

variable "lambda_zip" {
  description = "Path of the function's zip file: backstop-lambda_arm64.zip of a release, or of `scripts/lambda-zip`."
  type        = string
  default     = "../../../dist/backstop-lambda_arm64.zip"
}
