/** The pods that run beside a node's kube-proxy while its mode is switched. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { clearingPod, helperPod } from "../../components/cluster/modeSwitch/pods.ts";
import { endOf, lastWords, type Pod } from "../../components/cluster/workload.ts";
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

const hiddenBy = (pod: ReturnType<typeof helperPod>): string[] =>
  (pod.spec.containers[0]?.volumeMounts ?? [])
    .filter(({ name }) => name === "nothing")
    .map(({ mountPath }) => mountPath);

suite("a helper", () => {
  const helper = helperPod(wave, beside);

  test("cannot see the tool of the other mode: it would remove its rules", () => {
    assert.deepEqual(
      hiddenBy(helper).filter((path) => path.startsWith("/usr/sbin/")),
      ["", "-save", "-restore"]
        .flatMap((part) => [`/usr/sbin/iptables${part}`, `/usr/sbin/ip6tables${part}`])
        .sort((a, b) => hiddenBy(helper).indexOf(a) - hiddenBy(helper).indexOf(b)),
    );
    assert.ok(!hiddenBy(helper).some((path) => path.endsWith("/nft")));
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
    assert.deepEqual(helper.metadata.labels, { "kube-proxy/helper": "nftables" });
    assert.equal(helper.spec["affinity"], undefined);
    assert.equal(helper.spec.nodeName, "node-1");
    assert.deepEqual(helper.spec["tolerations"], [{ key: "mine", operator: "Exists" }]);
  });
});

suite("a clearing", () => {
  test("is kube-proxy's own, and cannot see the tool of the mode that stays", () => {
    const clearing = clearingPod(beside, "nftables");
    assert.deepEqual(clearing.spec.containers[0]?.command, ["/usr/local/bin/kube-proxy", "--cleanup"]);
    assert.deepEqual(hiddenBy(clearing), ["/usr/sbin/nft", "/sbin/nft"]);
    assert.equal(clearing.spec["restartPolicy"], "Never");
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
