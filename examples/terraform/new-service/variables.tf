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

variable "image" {
  description = "The container image; it listens on port 8080 and answers /healthz."
  type        = string
  default     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/api:1"
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
  default     = "vpc-0123456789abcdef0"
}

variable "vpc_cidr" {
  description = "Its address range."
  type        = string
  default     = "10.0.0.0/16"
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks, one per availability zone, with a way to the registry. Count the free addresses: during a failover both services have tasks."
  type        = list(string)
  default     = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer."
  type        = list(string)
  default     = ["subnet-0123456789abcdef3", "subnet-0123456789abcdef4"]
}
