"""What `pulumi package add` generates for Python, as far as the example needs it."""

import re

import pulumi


def _camel(name):
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


class KubeProxy(pulumi.ComponentResource):
    def __init__(self, name, opts=None, **args):
        inputs = {_camel(key): value for key, value in args.items() if value is not None}
        outputs = {"daemonSets": None, "restart": inputs.get("restart")}
        super().__init__("kube-proxy:index:KubeProxy", name, {**outputs, **inputs}, opts, remote=True)

    @property
    def daemon_sets(self):
        return pulumi.get(self, "daemonSets")

    @property
    def restart(self):
        return pulumi.get(self, "restart")
