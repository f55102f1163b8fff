"""Reads the answers of an AWS word by word: every tag of the XML must be one that
botocore's model of the operation has, at that place, and every value of its type.
"""

import xml.etree.ElementTree as ET

import boto3

bodies = []
elb = boto3.client("elbv2")
sts = boto3.client("sts")
for client in (elb, sts):
    client.meta.events.register("before-parse.*.*", lambda **it: bodies.append((it["operation_model"], it["response_dict"]["body"])))

groups = elb.describe_target_groups()["TargetGroups"]
group = groups[0]["TargetGroupArn"]
lb = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
listener = elb.describe_listeners(LoadBalancerArn=lb)["Listeners"][0]["ListenerArn"]
elb.describe_target_health(TargetGroupArn=group, Include=["All"])
elb.describe_target_group_attributes(TargetGroupArn=group)
elb.describe_load_balancer_attributes(LoadBalancerArn=lb)
elb.describe_rules(ListenerArn=listener)
elb.describe_tags(ResourceArns=[group, lb, listener])
elb.describe_account_limits()
target = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["Target"]
target = {"Id": target["Id"], "Port": target["Port"]}
elb.deregister_targets(TargetGroupArn=group, Targets=[target])
elb.register_targets(TargetGroupArn=group, Targets=[target])
elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}])
elb.modify_target_group(TargetGroupArn=group, HealthCheckIntervalSeconds=15)
elb.modify_listener(ListenerArn=listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
elb.add_tags(ResourceArns=[group], Tags=[{"Key": "a", "Value": "b"}])
elb.remove_tags(ResourceArns=[group], TagKeys=["a"])
sts.get_caller_identity()


def plain(tag):
    return tag.split("}", 1)[-1]


def read(shape, element, path):
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for child in element:
            assert plain(child.tag) in names, f"{path}: nobody knows {plain(child.tag)}"
            read(names[plain(child.tag)], child, f"{path}.{plain(child.tag)}")
    elif shape.type_name == "list":
        for child in element:
            assert plain(child.tag) == "member", f"{path}: {child.tag} is no member"
            read(shape.member, child, path)
    elif shape.type_name in ("integer", "long"):
        int(element.text)
    elif shape.type_name == "boolean":
        assert element.text in ("true", "false"), f"{path}: {element.text}"
    elif shape.type_name == "string" and shape.enum:
        assert element.text in shape.enum, f"{path}: {element.text} is none of {shape.enum}"


for operation, body in bodies:
    root = ET.fromstring(body)
    assert plain(root.tag) == f"{operation.name}Response", root.tag
    result, metadata = root
    assert plain(result.tag) == f"{operation.name}Result" and plain(metadata.tag) == "ResponseMetadata"
    if operation.output_shape is not None:
        read(operation.output_shape, result, operation.name)
print(f"{len(bodies)} answers were read word by word")
