/** The pods that run beside a node's kube-proxy while its mode is switched. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { clearingPod, countingPod, helperPod } from "../../components/cluster/modeSwitch/pods.ts";
import { type Container, endOf, lastWords, type Pod } from "../../components/cluster/workload.ts";
import { keepsIpvs, withoutModules } from "../../components/plan/leaving.ts";
import { rightsIn } from "../../components/kubeadm/hardening.ts";
import { planOf } from "../../components/plan/plan.ts";

const [wave] = planOf({
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10",
  configuration: { mode: "nftables", metricsBindAddress: "0.0.0.0:10249", conntrack: { maxPerCore: 0 } },
  tolerations: [{ key: "mine", operator: "Exists" }],
  pools: [{ name: "all" }],
}).waves;

const beside: Pod = {
  metadata: { name: "kube-proxy-all-abcde", uid: "1" },
  spec: {
    nodeName: "node-1",
    ...wave.daemonSet.spec.template.spec,
    containers: [...wave.daemonSet.spec.template.spec.containers],
  },
  status: {},
};

const toolsHiddenBy = (pod: ReturnType<typeof helperPod>): string[] => {
  const paths = (pod.spec.containers[0]?.volumeMounts ?? [])
    .filter(({ name }) => name === "nothing")
    .map(({ mountPath }) => mountPath);
  const inFolder = (folder: string) =>
    paths.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.replace(`${folder}/`, ""));
  assert.deepEqual(inFolder("/sbin"), inFolder("/usr/sbin"));
  return inFolder("/usr/sbin");
};

const pathsOf = ({ volumeMounts = [] }: Container) => volumeMounts.map(({ mountPath }) => mountPath);

suite("a helper", () => {
  const helper = helperPod(wave, beside, "iptables");

  test("cannot see the tools of the other mode: it would remove its rules", () => {
    const iptables = ["iptables", "ip6tables"].flatMap((tool) => [tool, `${tool}-save`, `${tool}-restore`]);
    for (const from of ["iptables", "ipvs"]) {
      assert.deepEqual(toolsHiddenBy(helperPod(wave, beside, from)), iptables);
    }
    assert.deepEqual(toolsHiddenBy(helperPod(wave, beside, "nftables")), ["nft"]);
  });

  test("does not see the kernel's modules, so that it takes ipvs for not there, which may be that of others", () => {
    for (const from of ["iptables", "ipvs", "nftables"]) {
      const { spec } = helperPod(wave, beside, from);
      assert.ok(keepsIpvs({ spec }), from);
      assert.ok(!spec.volumes?.some(({ name }) => name === "lib-modules"), from);
    }
    assert.ok(!keepsIpvs(wave.daemonSet.spec.template));
  });

  test("has the wanted configuration, at addresses that no kube-proxy uses", () => {
    const annotations = helper.metadata.annotations ?? {};
    const configuration = parse(annotations["kube-proxy/helper-configuration"] ?? "") as object;
    const wanted = parse(wave.configMap.data["config.conf"]) as object;
    assert.deepEqual(configuration, {
      ...wanted,
      healthzBindAddress: "127.0.0.1:10246",
      metricsBindAddress: "127.0.0.1:10247",
    });
    assert.equal(annotations["kube-proxy/helper-kubeconfig"], wave.configMap.data["kubeconfig.conf"]);
    assert.ok(!helper.spec.volumes?.some(({ configMap }) => configMap), "there need not be one yet");
  });

  test("goes with the pod that it stands beside", () => {
    assert.deepEqual(helper.metadata.ownerReferences, [
      { apiVersion: "v1", kind: "Pod", name: "kube-proxy-all-abcde", uid: "1" },
    ]);
  });

  test("nobody takes it for a kube-proxy, and it keeps none from its node", () => {
    const labels = { "kube-proxy/helper": "nftables", "kube-proxy/beside": "iptables" };
    assert.deepEqual(helper.metadata.labels, labels);
    assert.equal(helper.spec["affinity"], undefined);
    assert.equal(helper.spec.nodeName, "node-1");
    assert.deepEqual(helper.spec["tolerations"], [{ key: "mine", operator: "Exists" }]);
  });
});

suite("where kube-proxy is hardened", () => {
  const [hard] = planOf({
    ...{ kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10", hardened: true },
    configuration: { mode: "iptables" },
  }).waves;
  const from: Pod = { ...beside, spec: { nodeName: "node-1", ...hard.daemonSet.spec.template.spec } };

  test("a helper is, too: what runs before it is as blind as itself", () => {
    const { initContainers = [], containers } = helperPod(hard, from, "nftables").spec;
    assert.deepEqual(
      [...initContainers, ...containers].map(({ securityContext }) => securityContext?.privileged),
      [true, false],
    );
    for (const container of [...initContainers, ...containers]) {
      const spec = { ...beside.spec, containers: [container] };
      assert.deepEqual(toolsHiddenBy({ ...helperPod(hard, from, "nftables"), spec }), ["nft"]);
      assert.ok(keepsIpvs({ spec }));
    }
    assert.deepEqual(withoutModules(hard.daemonSet.spec.template.spec).initContainers?.map(pathsOf), [
      ["/var/lib/kube-proxy", "/run/xtables.lock"],
    ]);
  });

  test("nothing that counts or clears has all rights, nor runs what makes rules before it", () => {
    const clearing = [undefined, { others: ["192.0.2.0/24"], image: "tools" }].map((removal) =>
      clearingPod(from, "iptables", removal),
    );
    for (const { spec } of [...clearing, countingPod(from, undefined)]) {
      const all = [...(spec.initContainers ?? []), ...spec.containers];
      for (const { securityContext } of all) assert.deepEqual(securityContext, rightsIn("ipvs"));
      assert.ok(!all.some(({ command }) => command?.includes("--init-only")));
    }
  });
});

suite("a clearing", () => {
  const all = { others: [], image: undefined };

  test("is kube-proxy's own, and cannot see the tools of the mode that stays, nor what would remove ipvs", () => {
    const clearing = clearingPod(beside, "nftables", undefined);
    assert.deepEqual(clearing.spec.containers[0]?.command, ["/usr/local/bin/kube-proxy", "--cleanup"]);
    assert.deepEqual(toolsHiddenBy(clearing), ["nft"]);
    assert.ok(keepsIpvs(clearing));
    assert.equal(clearing.spec["restartPolicy"], "Never");
    for (const mode of ["iptables", "ipvs"]) {
      assert.ok(keepsIpvs(clearingPod(beside, mode, undefined)), mode);
      assert.ok(toolsHiddenBy(clearingPod(beside, mode, undefined)).includes("iptables"), mode);
    }
  });

  test("of ipvs sees the kernel's modules; its chains and sets go first", () => {
    assert.deepEqual(toolsHiddenBy(clearingPod(beside, "nftables", all)), ["nft"]);
    const clearing = clearingPod(beside, "iptables", all);
    assert.ok(toolsHiddenBy(clearing).includes("nft") && toolsHiddenBy(clearing).includes("iptables"));
    assert.ok(!keepsIpvs(clearing));
    const [script] = clearing.spec.initContainers ?? [];
    assert.deepEqual(script?.command?.slice(0, 2), ["sh", "-c"]);
    assert.deepEqual(script.volumeMounts, beside.spec.containers[0]?.volumeMounts, "it sees iptables");
    assert.equal(clearingPod(beside, "nftables", undefined).spec.initContainers, undefined);
  });

  test("of ipvs beside virtual servers of others does not see it: a script removes kube-proxy's, by the user's image", () => {
    for (const mode of ["iptables", "nftables"]) {
      const clearing = clearingPod(beside, mode, { others: ["192.0.2.0/24"], image: "tools" });
      assert.ok(keepsIpvs(clearing), mode);
      const scripts = clearing.spec.initContainers as unknown as {
        name: string;
        image: string;
        env: object[];
      }[];
      assert.deepEqual(
        scripts.map(({ name, image }) => [name, image === "tools"]),
        [
          ["clear-servers", true],
          ["clear-sets", false],
        ],
      );
      assert.deepEqual(scripts[0]?.env, [{ name: "OTHERS", value: "^(4 C00002)" }]);
    }
  });

  test("has a volume for each mount", () => {
    for (const mode of ["iptables", "nftables"]) {
      for (const removal of [undefined, all, { others: ["192.0.2.0/24"], image: "tools" }]) {
        const { containers, initContainers = [], volumes = [] } = clearingPod(beside, mode, removal).spec;
        const names = volumes.map(({ name }) => name);
        for (const { volumeMounts = [] } of [...containers, ...initContainers]) {
          assert.deepEqual(
            volumeMounts.filter(({ name }) => !names.includes(name)),
            [],
          );
        }
      }
    }
  });

  test("that fails before its own container says why, too", () => {
    const failed = { state: { terminated: { exitCode: 3, message: "no ipvsadm\n" } } };
    const waiting = [{ state: { waiting: { reason: "PodInitializing" } } }];
    const status = { phase: "Failed", initContainerStatuses: [failed], containerStatuses: waiting };
    assert.equal(endOf({ ...beside, status }), 3);
    assert.equal(lastWords({ ...beside, status }), "no ipvsadm");
  });

  test("has ended only when its pod has, and says why", () => {
    const ended = (phase: string, message?: string): Pod => ({
      ...beside,
      status: {
        phase,
        containerStatuses: [{ state: { terminated: { exitCode: 1, ...(message && { message }) } } }],
      },
    });
    assert.equal(endOf(ended("Running")), undefined);
    assert.equal(endOf(ended("Failed")), 1);
    assert.equal(lastWords(ended("Failed", "one\ntwo\n")), "two");
    assert.equal(lastWords(ended("Failed")), undefined);
    assert.equal(lastWords(beside), undefined);
  });
});
