terraform {
  # 1.9: validations that look at other variables.
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.0: the region attribute of data.aws_region.
      version = ">= 6.0.0, < 7.0.0"
    }
  }
}
