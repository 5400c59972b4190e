import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type ClusterFacts, KubeProxy, type KubeProxyArgs, RestartStrategy } from "../../components/index.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { liveObjects } from "../adoption/live.ts";
import { at, find, registrationsOf } from "./registration.ts";

const plain: Plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10:6443" };
const owner = "organization/kube-proxy/test";

/** A cluster in which kubeadm has installed kube-proxy; with these annotations on its DaemonSet. */
function facts(annotations: Record<string, string> = {}, settings = plain): ClusterFacts {
  return {
    nodes: [],
    daemonSets: [
      {
        name: "kube-proxy",
        uid: "1",
        annotations,
        generation: 1,
        spec: kubeProxyObjects(settings).daemonSet.spec,
        managers: ["kubeadm"],
        desired: 1,
        available: 1,
      },
    ],
    configMaps: [],
    helpers: [],
    objects: JSON.stringify(liveObjects(settings)),
  };
}

const wanted = (more: Partial<Plain>, cluster: ClusterFacts | undefined, adopt = true) => {
  const { waves, takeOver } = planOf({ ...plain, ...more }, cluster, { owner, adopt });
  const { metadata, spec } = waves[0].daemonSet;
  return { annotations: { ...metadata.annotations }, spec, takeOver };
};
/** The cluster once kube-proxy is taken over. */
const taken = () => facts(wanted({}, facts()).annotations);
const podAnnotations = ({ spec }: ReturnType<typeof wanted>) => spec.template.metadata.annotations;

suite("the pods of a kube-proxy that is taken over", () => {
  test("stay as they are, and so does all of the DaemonSet's spec", () => {
    const first = wanted({}, facts());
    assert.equal(podAnnotations(first), undefined);
    assert.deepEqual(first.spec.updateStrategy, { type: "RollingUpdate" });
    assert.equal(first.annotations["kube-proxy/restart"], "initial");
    assert.equal(first.annotations["kube-proxy/owner"], owner);
    assert.equal(first.annotations["pulumi.com/deletionPropagationPolicy"], "orphan");
  });

  test("stay so with every later update, with adopt and without", () => {
    for (const adopt of [true, false]) {
      const later = wanted({}, taken(), adopt);
      assert.equal(later.takeOver, undefined, "it is the stack's already");
      assert.deepEqual(later.spec, wanted({}, facts()).spec);
    }
    const relabelled = wanted({ metadata: { labels: { a: "b" } }, clusterRole: "create" }, taken());
    assert.equal(podAnnotations(relabelled), undefined);
  });

  test("say which restart and configuration they belong to from the first change on that restarts them", () => {
    const changes: Partial<Plain>[] = [
      { restart: "again" },
      { restart: "again", restartStrategy: RestartStrategy.Recreate },
      { configuration: { mode: "nftables" } },
      { controlPlaneEndpoint: "api.example.com" },
      { image: "example.com/kube-proxy:1" },
      { podMetadata: { labels: { a: "b" } } },
    ];
    for (const change of changes) {
      for (const adopt of [true, false]) {
        const changed = wanted(change, taken(), adopt);
        assert.equal(podAnnotations(changed)?.["kube-proxy/restart"], change.restart ?? "initial");
        const after = wanted({}, facts(changed.annotations), adopt);
        assert.ok(podAnnotations(after), "the way back is a change, too");
      }
    }
    assert.deepEqual(wanted({ image: "a/b:1" }, taken()).spec.updateStrategy.rollingUpdate, {
      maxUnavailable: "10%",
    });
  });

  test("keep the trace of a kubectl rollout restart, which would be one more restart to take away", () => {
    const restartedAt = { "kubectl.kubernetes.io/restartedAt": "2026-11-26T10:00:00Z" };
    const restarted = (annotations: Record<string, string>): ClusterFacts => {
      const objects = liveObjects({ ...plain, podMetadata: { annotations: restartedAt } });
      return { ...facts(annotations), objects: JSON.stringify(objects) };
    };
    const first = wanted({}, restarted({}));
    assert.deepEqual(podAnnotations(first), restartedAt);
    assert.deepEqual(podAnnotations(wanted({}, restarted(first.annotations))), restartedAt);
    assert.deepEqual(podAnnotations(wanted({}, restarted(wanted({}, facts()).annotations))), restartedAt);
    const changed = podAnnotations(wanted({ restart: "again" }, restarted(first.annotations)));
    assert.deepEqual(Object.keys(changed ?? {}), ["kube-proxy/config-hash", "kube-proxy/restart"]);
  });

  test("restart for a token that was not in force before: one that is shown is a restart that was done", () => {
    const restart = "2026-11-26";
    const first = wanted({ restart }, facts());
    assert.equal(podAnnotations(first)?.["kube-proxy/restart"], restart);
    assert.equal(first.takeOver?.keepsPods, false);
    assert.deepEqual(first.takeOver.changes, ["restart: the pods, in place, for the new token"]);
    // kubeadm has written it anew since: what the controller keeps of the pods before tells which token they had.
    const after = facts();
    const rewritten = {
      ...after,
      daemonSets: after.daemonSets.map((one) => ({ ...one, restarted: restart })),
    };
    const again = wanted({ restart }, rewritten);
    assert.equal(podAnnotations(again), undefined);
    assert.equal(again.annotations["kube-proxy/restart"], restart);
    assert.ok(podAnnotations(wanted({ restart: "2026-11-27" }, rewritten)));
    assert.equal(podAnnotations(wanted({ restart }, facts(again.annotations))), undefined);
  });

  test("restart where the user wants them otherwise at once", () => {
    const changed = wanted({ configuration: { mode: "nftables" } }, facts());
    assert.equal(changed.takeOver?.keepsPods, false);
    assert.ok(podAnnotations(changed));
  });

  test("of another stack are not this one's, although this program has made them", () => {
    const annotations = {
      ...taken().daemonSets[0]?.annotations,
      "kube-proxy/owner": "organization/kube-proxy/other",
    };
    const others = {
      ...facts(annotations),
      objects: JSON.stringify(liveObjects({ ...plain, metadata: { annotations } })),
    };
    assert.match(
      String(wanted({}, others).takeOver?.problems[0]?.value),
      /^belongs to Pulumi stack .*\/other/,
    );
    assert.equal(wanted({}, others, false).takeOver, undefined);
  });

  test("carry this program's marks where a stack has lost its state, and keep them", () => {
    const marked = planOf({ ...plain, restart: "before" }).waves[0].daemonSet;
    const lost = facts();
    const objects = JSON.parse(lost.objects ?? "") as { kind: string; spec: object }[];
    lost.objects = JSON.stringify(
      objects.map((object) => (object.kind === "DaemonSet" ? { ...object, spec: marked.spec } : object)),
    );
    const again = wanted({ restart: "before" }, lost);
    assert.deepEqual(again.takeOver?.problems, []);
    assert.deepEqual(again.spec.template, marked.spec.template);
  });
});

suite("the engine", () => {
  const declare = (more: Partial<KubeProxyArgs>) =>
    registrationsOf(() => new KubeProxy("kube-proxy", { ...plain, ...more }));
  const imports = async (more: Partial<KubeProxyArgs>) =>
    (await declare(more)).map(({ importId }) => importId).filter((id) => id !== "");

  test("imports kubeadm's six objects, once", async () => {
    assert.deepEqual((await imports({ adopt: true, facts: facts() })).sort(), [
      ...Array<string>(5).fill("kube-system/kube-proxy"),
      "kubeadm:node-proxier",
    ]);
    // A resource with an import cannot be replaced: a restart would be refused for ever.
    assert.deepEqual(await imports({ adopt: true, facts: taken() }), []);
    assert.deepEqual(await imports({ adopt: true, facts: taken(), restart: "again" }), []);
    assert.deepEqual(
      await imports({ adopt: true, facts: { ...facts(), objects: "[]", daemonSets: [] } }),
      [],
    );
  });

  test("must not take the first token for a new one: it replaces only what has one", async () => {
    const replaces = async (cluster: ClusterFacts) =>
      find(await declare({ adopt: true, facts: cluster }), "DaemonSet").replaceOnChanges.length > 0;
    assert.equal(await replaces(facts()), false);
    assert.equal(await replaces(taken()), true);
    assert.equal(await replaces({ ...facts(), objects: "[]", daemonSets: [] }), true);
  });

  test("may have died before its state knew of the token: what the cluster has already replaces nothing", async () => {
    const isReason = async (restart?: string) => {
      const own = restart === undefined ? {} : { restart };
      const { replaceOnChanges } = find(await declare({ facts: taken(), ...own }), "DaemonSet");
      return replaceOnChanges.some((path) => path.includes("kube-proxy/restart"));
    };
    assert.equal(await isReason(), false);
    assert.equal(await isReason("again"), true);
  });

  test("leaves the trace of who has restarted as the cluster has it, until the next restart", async () => {
    const traced = facts({
      ...taken().daemonSets[0]?.annotations,
      "kube-proxy/restarted-by": "somebody@else",
    });
    assert.equal(wanted({}, traced).annotations["kube-proxy/restarted-by"], "somebody@else");
    assert.notEqual(
      wanted({ restart: "again" }, traced).annotations["kube-proxy/restarted-by"],
      "somebody@else",
    );
    const { ignoreChanges } = find(await declare({ facts: traced }), "DaemonSet");
    assert.equal(ignoreChanges.length, 1, "only the API server's own number");
  });

  test("verifies pods that carry no token by everything else", async () => {
    const args = async (cluster: ClusterFacts) => {
      const registrations = await declare({ adopt: true, facts: cluster });
      const verify = registrations.find(({ name }) => name === "kube-proxy-verify");
      return verify && (at(verify, "interpreter") as string[]).slice(4);
    };
    assert.deepEqual(await args(facts()), [
      "--daemonset=kube-proxy",
      "--test-services=kube-proxy",
      "--failures=any",
      "--baseline=-",
      "--deadline=5m",
    ]);
    assert.deepEqual(await args({ ...facts(), objects: "[]", daemonSets: [] }), [
      "--daemonset=kube-proxy",
      "--test-services=kube-proxy",
      "--token=initial",
      "--baseline=-",
      "--deadline=5m",
    ]);
  });
});
