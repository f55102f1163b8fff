"""Who botocore is in this environment, and in which region: the AWS CLI's own rules. Prints the ARN and the region, or the
error."""

import sys

import botocore.session

session = botocore.session.Session(profile=sys.argv[1] if len(sys.argv) > 1 else None)
try:
    region = session.get_config_variable("region")
    print(session.create_client("sts", region_name=region or "us-west-2").get_caller_identity()["Arn"])
    print(region or "none")
except Exception as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(1)
