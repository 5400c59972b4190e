/** A hardened kube-proxy's pods. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { mapping } from "../../components/input/schema.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import { checkSettings, type Settings, settingsShape } from "../../components/kubeadm/settings.ts";

const plain: Settings = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const specOf = (more: Partial<Settings>) =>
  kubeProxyObjects({ ...plain, ...more }).daemonSet.spec.template.spec;
const problemsOf = (more: Partial<Settings>) =>
  checkSettings(mapping(settingsShape), { ...plain, ...more }).map(({ path }) => path);

suite("a hardened kube-proxy", () => {
  test("is none unless it is asked for", () => {
    for (const hardened of [undefined, false]) {
      const { initContainers, containers } = specOf(hardened === undefined ? {} : { hardened });
      assert.equal(initContainers, undefined);
      assert.deepEqual(containers[0].securityContext, { privileged: true });
    }
  });

  test("has the fewest capabilities that its mode works with, and nothing else", () => {
    const added = (more: Partial<Settings>) => {
      const { capabilities, ...others } = specOf({ ...more, hardened: true }).containers[0].securityContext;
      assert.deepEqual(others, {
        ...{ privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
        seccompProfile: { type: "RuntimeDefault" },
      });
      assert.deepEqual(capabilities?.drop, ["ALL"]);
      return capabilities.add;
    };
    assert.deepEqual(added({ configuration: { mode: "nftables" } }), ["NET_ADMIN"]);
    for (const mode of ["iptables", "ipvs"] as const) {
      assert.deepEqual(added({ configuration: { mode } }), ["NET_ADMIN", "NET_RAW"]);
    }
    // Nobody says a mode, kubeadm included: kube-proxy takes iptables.
    assert.deepEqual(added({ kubernetesVersion: "v1.29.0" }), ["NET_ADMIN", "NET_RAW"]);
    assert.deepEqual(added({}), ["NET_ADMIN", "NET_RAW"]);
  });

  test("is what it was otherwise; before it the same runs once with all rights, without probes", () => {
    const readinessProbe = { httpGet: { path: "/livez", port: 10256 } };
    const more: Partial<Settings> = {
      ...{ image: "registry.example.com/kube-proxy:own", extraArgs: ["--v=4"], readinessProbe },
      ...{ env: [{ name: "HTTPS_PROXY", value: "http://proxy" }], resources: { requests: { cpu: "50m" } } },
      volumes: [{ name: "logs", hostPath: { path: "/var/log" } }],
      volumeMounts: [{ name: "logs", mountPath: "/var/log" }],
    };
    const [before, after] = [specOf(more), specOf({ ...more, hardened: true })];
    const [container] = before.containers;
    const { securityContext, ...rest } = after.containers[0];
    assert.equal(securityContext.privileged, false);
    assert.deepEqual({ ...rest, securityContext: { privileged: true } }, container);
    const { readinessProbe: probe, ...once } = container;
    assert.deepEqual(probe, readinessProbe);
    assert.deepEqual(after.initContainers, [
      { ...once, name: "kube-proxy-init", command: [...container.command, "--init-only"] },
    ]);
    assert.deepEqual(
      { ...after, initContainers: undefined, containers: [] },
      { ...before, initContainers: undefined, containers: [] },
    );
  });

  test("is refused where kube-proxy has no --init-only", () => {
    for (const { minor } of minors) {
      const kubernetesVersion = `v1.${minor}.0`;
      assert.deepEqual(problemsOf({ kubernetesVersion, hardened: true }), minor < 29 ? ["hardened"] : []);
      assert.deepEqual(problemsOf({ kubernetesVersion, hardened: false }), []);
    }
    assert.deepEqual(problemsOf({ hardened: "yes" as unknown as boolean }), ["hardened"]);
  });
});
