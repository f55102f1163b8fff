"""Owns what the fake AWS account holds from the beginning, and writes down its names.

    python seed_aws.py OUTPUT.json

One VPC whose subnets match the nodes and pods of cluster.yaml, one load balancer
whose listener forwards to one target group, and a second group nothing leads to.
The endpoint and the credentials come from the environment.
"""

import json
import sys

import boto3

ec2 = boto3.client("ec2")
elb = boto3.client("elbv2")

ZONES = "abc"


def named(name):
    return [{"Key": "Name", "Value": name}]


def subnet(vpc, cidr, zone, name):
    made = ec2.create_subnet(
        VpcId=vpc,
        CidrBlock=cidr,
        AvailabilityZone=f"us-west-2{zone}",
        TagSpecifications=[{"ResourceType": "subnet", "Tags": named(name)}],
    )
    return made["Subnet"]["SubnetId"]


def target_group(name, vpc):
    made = elb.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=80,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckProtocol="HTTP",
        HealthCheckPath="/",
    )
    return made["TargetGroups"][0]["TargetGroupArn"]


vpc = ec2.create_vpc(
    CidrBlock="10.42.0.0/16",
    TagSpecifications=[{"ResourceType": "vpc", "Tags": named("eks-workshop")}],
)["Vpc"]["VpcId"]
# The nodes and the load balancer live in the first three, the pods in the others.
subnets = [subnet(vpc, f"10.42.{11 + i}.0/24", z, f"public-{z}") for i, z in enumerate(ZONES)]
pod_subnets = [subnet(vpc, f"10.42.{64 * (i + 1)}.0/18", z, f"pods-{z}") for i, z in enumerate(ZONES)]
group = ec2.create_security_group(
    GroupName="eksworkshopalbsg", Description="The load balancer's security group", VpcId=vpc
)["GroupId"]
ec2.authorize_security_group_ingress(
    GroupId=group,
    IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
)
balancer = elb.create_load_balancer(
    Name="eksworkshopalb", Subnets=subnets, SecurityGroups=[group], Scheme="internet-facing", Type="application"
)["LoadBalancers"][0]
tg = target_group("eksworkshoptg", vpc)
green = target_group("greentg", vpc)
listener = elb.create_listener(
    LoadBalancerArn=balancer["LoadBalancerArn"],
    Protocol="HTTP",
    Port=80,
    DefaultActions=[{"Type": "forward", "TargetGroupArn": tg}],
)["Listeners"][0]["ListenerArn"]

with open(sys.argv[1], "w", encoding="utf8") as out:
    json.dump(
        {
            "vpc": vpc,
            "subnets": subnets,
            "pod_subnets": pod_subnets,
            "sgs": {"eksworkshopalbsg": group},
            "lb": balancer["LoadBalancerArn"],
            "lb_name": "eksworkshopalb",
            "lb_dns": balancer["DNSName"],
            "listener": listener,
            "tg": tg,
            "tg_name": "eksworkshoptg",
            "green_tg": green,
            "green_tg_name": "greentg",
        },
        out,
        indent=2,
    )
    out.write("\n")
