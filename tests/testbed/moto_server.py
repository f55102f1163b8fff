"""Owns the fake AWS: moto under werkzeug, with target groups that live like real ones.

    python moto_server.py PORT

moto keeps what one creates (load balancers, listeners, rules, target groups, tags)
and is replaced here where it differs from AWS in what a viewer of target groups
sees: targets are keyed by id and port, become healthy after a while, drain for a
while after deregistration, are unused while no listener leads to their group.

Control routes, all under /_testbed/, JSON in and out:
    POST config  {"initial_s": 1, "drain_scale": 0.02}
    POST health  {"<target group arn>": {"<id>:<port>": {"State": …, "Reason": …,
                  "Description": …, "Anomaly": "anomalous", "Mitigation": "yes",
                  "Override": {"State": …, "Reason": …, "Description": …}}}}
                 every key is optional; null instead of a target or a group clears it
    POST fault   {"<Action>": {"n": 3, "status": 400, "code": "Throttling", "message": "Rate exceeded"}}
                 {"<Action>": {"latency": 250}}   every call waits that many milliseconds
                 null instead of an action clears it; "*" stands for every action
    GET  config, health, fault   what is set now
    GET  calls   {"<Action>": count, …} since the start or the last reset
    POST reset   clears health, faults and counts, restores config; {"calls": true} clears the counts only
"""

import base64
import io
import ipaddress
import json
import sys
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

# moto's private names are used below: another version must be looked at first.
from importlib.metadata import version

if version("moto") != "5.2.5":
    sys.exit(f"moto_server.py is written for moto 5.2.5, not {version('moto')}")

from moto.elbv2 import models, responses
from moto.moto_server import werkzeug_app
from werkzeug.serving import run_simple

# 300 s of deregistration delay, the default of AWS, take 6 s.
DEFAULTS = {"initial_s": 1.0, "drain_scale": 0.02}
CONFIG = dict(DEFAULTS)
HEALTH = {}
FAULTS = {}
CALLS = {}
LOCK = threading.RLock()

NO_OVERRIDE = {
    "State": "no_override",
    "Reason": "AdministrativeOverride.NoOverride",
    "Description": "No override is currently active on target",
}

# ------------------------------------------------------------ target groups

TargetGroup = models.FakeTargetGroup
Backend = models.ELBv2Backend


def backend_of(group):
    return models.elbv2_backends[group.account_id][group.region_name]


def forwarded_to(action):
    """ARNs of the groups one action of a rule leads to."""
    if action.type != "forward":
        return []
    data = action.data
    arns = [g["TargetGroupArn"] for g in (data.get("ForwardConfig") or {}).get("TargetGroups", [])]
    return arns or ([data["TargetGroupArn"]] if data.get("TargetGroupArn") else [])


def load_balancers_of(group):
    """Load balancers with a listener or rule that leads to the group, each once."""
    return [
        balancer.arn
        for balancer in list(backend_of(group).load_balancers.values())
        if any(
            group.arn in forwarded_to(action)
            for listener in list(balancer.listeners.values())
            for rule in list(listener.rules.values())
            for action in rule.actions
        )
    ]


class Ignored(list):
    """Takes what moto notes down about load balancers; the truth is computed instead."""

    def append(self, _):
        pass


# moto writes this field when a listener is created and never again. AWS, and now
# this, derives it from the listeners and rules there are. The throw-away list is
# handed out only to moto's own appends, which know nothing of the getter.
class LoadBalancerArns:
    def __get__(self, group, owner=None):
        return self if group is None else Ignored(load_balancers_of(group))

    def __set__(self, group, value):
        pass


TargetGroup.load_balancer_arns = LoadBalancerArns()


def key_of(group, target):
    return f"{target['Id']}:{target.get('Port') or group.port}"


def zone_of(group, target):
    """The zone AWS reports: of the subnet that has the address, or of the instance."""
    if target.get("AvailabilityZone"):
        return target["AvailabilityZone"]
    try:
        address = ipaddress.ip_address(target["Id"])
    except ValueError:
        instance = group.ec2_backend.get_instance_by_id(target["Id"])
        return instance.placement if instance else None
    for subnets in group.ec2_backend.subnets.values():
        for subnet in subnets.values():
            if subnet.vpc_id == group.vpc_id and address in ipaddress.ip_network(subnet.cidr_block):
                return subnet.availability_zone
    return None


def register(self, targets):
    with LOCK:
        for target in targets:
            key = key_of(self, target)
            # Registering what is registered changes nothing; what drains starts anew.
            if key not in self.targets:
                self.targets[key] = {
                    "Id": target["Id"],
                    "Port": int(target.get("Port") or self.port),
                    "zone": zone_of(self, target),
                    "since": time.monotonic(),
                }
            self.deregistered_targets.pop(key, None)


def deregister(self, targets):
    with LOCK:
        for target in targets:
            # AWS: an unknown target, or one with another port, is no error.
            found = self.targets.pop(key_of(self, target), None)
            if found:
                delay = float(self.attributes["deregistration_delay.timeout_seconds"])
                found["until"] = time.monotonic() + delay * CONFIG["drain_scale"]
                self.deregistered_targets[key_of(self, target)] = found


def deregister_terminated_instances(self, instance_ids):
    with LOCK:
        for key in [k for k, t in self.targets.items() if t["Id"] in instance_ids]:
            del self.targets[key]


TargetGroup.register = register
TargetGroup.deregister = deregister
TargetGroup.deregister_terminated_instances = deregister_terminated_instances


def written(group, target, state, reason, text, check_port=None):
    """One target's health under AWS's names; what is None is left out of the answer."""
    return {
        "Target": {"Id": target["Id"], "Port": int(target.get("Port") or group.port), "AvailabilityZone": target.get("zone")},
        "HealthCheckPort": check_port,
        "TargetHealth": {"State": state, "Reason": reason, "Description": text},
    }


def status_of(group, key, target, in_use, include):
    if group.health_check_port in (None, "traffic-port"):
        check_port = str(target["Port"])
    else:
        check_port = str(group.health_check_port)
    state, reason, text = "healthy", None, None
    if key not in group.targets:
        state, reason = "draining", "Target.DeregistrationInProgress"
        text = "Target deregistration is in progress"
    elif not in_use:
        state, reason = "unused", "Target.NotInUse"
        text = "Target group is not configured to receive traffic from the load balancer"
    elif time.monotonic() - max(target["since"], getattr(group, "used_since", 0)) < CONFIG["initial_s"]:
        state, reason = "initial", "Elb.RegistrationInProgress"
        text = "Target registration is in progress"
    said = (HEALTH.get(group.arn) or {}).get(key) or {}
    if "State" in said:
        state, reason, text = said["State"], said.get("Reason"), said.get("Description")
    health = written(group, target, state, reason, text, check_port)
    health["AdministrativeOverride"] = said.get("Override") or NO_OVERRIDE
    if include:
        health["AnomalyDetection"] = {
            "Result": said.get("Anomaly", "normal"),
            "MitigationInEffect": said.get("Mitigation", "no"),
        }
    return health


def describe_target_health(self, target_group_arn, targets, include=False):
    group = self.target_groups.get(target_group_arn)
    if group is None:
        raise models.TargetGroupNotFoundError()
    with LOCK:
        now = time.monotonic()
        for key in [k for k, t in group.deregistered_targets.items() if t["until"] < now]:
            del group.deregistered_targets[key]
        # A target registered again while it drains is in both: the newer one counts.
        known = {**group.deregistered_targets, **group.targets}
        in_use = bool(group.load_balancer_arns)
        # Checks begin when a listener starts to lead to the group, or at registration.
        if in_use and getattr(group, "seen_unused", False):
            group.used_since = now
        group.seen_unused = not in_use
        if not targets:
            return [status_of(group, k, t, in_use, include) for k, t in known.items()]
        answer = []
        for target in targets:
            key = key_of(group, target)
            if key in known:
                answer.append(status_of(group, key, known[key], in_use, include))
                continue
            answer.append(
                written(group, target, "unused", "Target.NotRegistered", "Target is not registered to the target group")
            )
        return answer


Backend.describe_target_health = describe_target_health


def respond_target_health(self):
    include = self._get_param("Include") or []
    found = self.elbv2_backend.describe_target_health(
        self._get_param("TargetGroupArn"),
        self._get_param("Targets", []),
        include=bool({"AnomalyDetection", "All"} & set(include)),
    )
    return responses.ActionResult({"TargetHealthDescriptions": found})


responses.ELBV2Response.describe_target_health = respond_target_health

# -------------------------------------------------------------------- paging


def paged(everything, size, marker, largest=400):
    """One page of a list and the marker of the next, which is opaque like AWS's."""
    start = int(base64.b64decode(marker)) if marker else 0
    size = min(int(size or largest), largest)
    more = len(everything) > start + size
    following = base64.b64encode(str(start + size).encode()).decode() if more else None
    return everything[start : start + size], following


def respond_target_groups(self):
    balancer = self._get_param("LoadBalancerArn")
    arns, names = self._get_param("TargetGroupArns", []), self._get_param("Names", [])
    try:
        found = self.elbv2_backend.describe_target_groups(balancer, arns, names)
    except models.TargetGroupNotFoundError:
        # AWS: a load balancer that leads nowhere has no groups, which is no error.
        if arns or names:
            raise
        found = []
    page, following = paged(list(found), self._get_param("PageSize"), self._get_param("Marker"))
    return responses.ActionResult({"TargetGroups": page, "NextMarker": following})


def respond_listeners(self):
    balancer, arns = self._get_param("LoadBalancerArn"), self._get_param("ListenerArns", [])
    if not balancer and not arns:
        raise responses.ListenerOrBalancerMissingError()
    found = self.elbv2_backend.describe_listeners(balancer, arns)
    page, following = paged(list(found), self._get_param("PageSize"), self._get_param("Marker"))
    return responses.ActionResult({"Listeners": page, "NextMarker": following})


responses.ELBV2Response.describe_target_groups = respond_target_groups
responses.ELBV2Response.describe_listeners = respond_listeners

# ------------------------------------------------------------------- actions

make_action = models.FakeAction.__init__


def complete_action(self, data):
    """A forward to one group is answered in both ways AWS knows to write it."""
    if data.get("Type") == "forward":
        if data.get("TargetGroupArn") and not data.get("ForwardConfig"):
            data["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": data["TargetGroupArn"], "Weight": 1}]}
        groups = (data.get("ForwardConfig") or {}).get("TargetGroups", [])
        if len(groups) == 1:
            data["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    make_action(self, data)


models.FakeAction.__init__ = complete_action

# -------------------------------------------------------------------- server

STORES = {"config": CONFIG, "health": HEALTH, "fault": FAULTS}


def merge_health(said):
    for arn, targets in said.items():
        if targets is None:
            HEALTH.pop(arn, None)
            continue
        group = HEALTH.setdefault(arn, {})
        for key, value in targets.items():
            if value is None:
                group.pop(key, None)
            else:
                group[key] = value


def merge(store, said):
    for key, value in said.items():
        if value is None:
            store.pop(key, None)
        else:
            store[key] = value


def control(method, what, body):
    """Answers a control route with (status, JSON value)."""
    with LOCK:
        if method == "GET":
            if what == "calls":
                return "200 OK", dict(CALLS)
            if what in STORES:
                return "200 OK", STORES[what]
            return "404 Not Found", {"error": f"no such route: {what}"}
        if method != "POST":
            return "405 Method Not Allowed", {"error": "GET or POST"}
        said = json.loads(body or b"{}")
        if what == "health":
            merge_health(said)
        elif what == "fault":
            merge(FAULTS, said)
        elif what == "config":
            unknown = set(said) - set(DEFAULTS)
            if unknown:
                return "400 Bad Request", {"error": f"unknown: {', '.join(sorted(unknown))}"}
            CONFIG.update({k: float(v) for k, v in said.items()})
        elif what == "reset":
            CALLS.clear()
            if not said.get("calls"):
                HEALTH.clear()
                FAULTS.clear()
                CONFIG.update(DEFAULTS)
            return "200 OK", {}
        else:
            return "404 Not Found", {"error": f"no such route: {what}"}
        return "200 OK", STORES[what]


def fault_of(action):
    """Counts the call and says what is to go wrong with it: (wait in ms, error or None)."""
    with LOCK:
        CALLS[action] = CALLS.get(action, 0) + 1
        fault = FAULTS.get(action) or FAULTS.get("*")
        if not fault:
            return 0, None
        error = None
        if fault.get("n", 0) > 0:
            fault["n"] -= 1
            error = (fault.get("status", 400), fault.get("code", "Throttling"), fault.get("message", "Rate exceeded"))
        return fault.get("latency", 0), error


# Each API has its own namespace and, EC2, its own shape of an error.
ERRORS = {
    "2015-12-01": ("http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", False),
    "2011-06-15": ("https://sts.amazonaws.com/doc/2011-06-15/", False),
    "2016-11-15": ("http://ec2.amazonaws.com/doc/2016-11-15/", True),
}


def error_body(api_version, status, code, message):
    space, ec2 = ERRORS.get(api_version, ERRORS["2015-12-01"])
    code, message = escape(code), escape(message)
    if ec2:
        return (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            "<RequestID>testbed</RequestID></Response>"
        ).encode()
    side = "Sender" if status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{space}"><Error><Type>{side}</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error><RequestId>testbed</RequestId></ErrorResponse>"
    ).encode()


moto = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)


def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    path = environ["PATH_INFO"]
    if path.startswith("/_testbed/"):
        try:
            status, value = control(environ["REQUEST_METHOD"], path[len("/_testbed/") :], body)
        except (ValueError, AttributeError, TypeError) as error:
            status, value = "400 Bad Request", {"error": str(error)}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(value).encode() + b"\n"]
    form = urllib.parse.parse_qs(body.decode("utf8", "ignore"))
    action = form.get("Action", [""])[0]
    if action:
        wait, error = fault_of(action)
        if wait:
            time.sleep(wait / 1000)
        if error:
            start_response(f"{error[0]} Fault", [("Content-Type", "text/xml"), ("x-amzn-RequestId", "testbed")])
            return [error_body(form.get("Version", [""])[0], *error)]
    return moto(environ, start_response)


class Handler(werkzeug_app.MotoRequestHandler):
    # The calls are counted already; a line for each would only grow the log.
    def log_request(self, code="-", size="-"):
        pass


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=Handler)
