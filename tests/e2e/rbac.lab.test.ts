import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { HttpMethod, type KubeConfig } from "@kubernetes/client-node";
import { request } from "../../components/cluster/api.ts";
import { loadCluster } from "../../components/cluster/client.ts";
import { readFacts, readNodes } from "../../components/cluster/facts.ts";
import { restartNodes } from "../../components/cluster/restartNodes.ts";
import { examineService } from "../../components/cluster/service/index.ts";
import { parseSnapshot } from "../../components/cluster/snapshot/format.ts";
import { takeSnapshot } from "../../components/cluster/snapshot/index.ts";
import { restore } from "../../components/cluster/snapshot/restore.ts";
import {
  type Baseline,
  choicesOf,
  examine,
  type NodeResult,
  type Report,
  takeBaseline,
  verify,
} from "../../components/cluster/verify/index.ts";
import { labelPod, listPods, type Pod } from "../../components/cluster/workload.ts";
import type { ClusterFacts } from "../../components/facts/facts.ts";
import type { ServiceDiagnosis } from "../../components/service/diagnose.ts";
import { Operator } from "../rbac/operator.ts";
import { allows, requestsOf, type Right, rightsIn, wordsOf } from "../rbac/rights.ts";
import { changesOf, eventually, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;
const label = "example.com/pool";
const pools = [
  { name: "canary", nodeSelector: { [label]: "canary" } },
  { name: "rest", matchExpressions: [{ key: label, operator: "NotIn", values: ["canary"] }] },
];

/** Asked of the API server by no request of their own: it looks whether they are there when it does another thing. */
const unasked = ["bind ", "create pods/portforward"];

suite("with the rights that docs/rbac gives, and none beside them", () => {
  const at = useLab({ name: "e2e-rbac", nodes });
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-rbac-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  let admin: KubeConfig;
  let scenario: Scenario;
  before(async () => {
    admin = loadCluster({ kubeconfig: at.lab.kubeconfig }, {});
    scenario = await at.open();
    await scenario.cluster.kubectl(["label", "node", "node-0001", `${label}=canary`]);
  });

  const kubectl = (args: string[], input?: string) => scenario.cluster.kubectl(args, input);
  const operatorWith = async (name: string, rights: readonly Right[]) => {
    const operator = await Operator.create(at.lab, name);
    await operator.may(rights);
    return operator;
  };
  /** What the checks before an update read. */
  const checks = rightsIn("checks.yaml");

  /** What was asked for is allowed by a right, and each right was needed for something. */
  async function assertNeeded(
    { user }: Operator,
    rights: readonly Right[],
    beside: readonly Right[] = [],
  ): Promise<void> {
    const isUnasked = (right: Right) => unasked.some((words) => wordsOf(right).startsWith(words));
    const unused = () => {
      const requests = requestsOf(at.lab, user);
      return rights.filter((right) => !isUnasked(right) && !requests.some((one) => allows(right, one)));
    };
    // The API server writes a line down when it has answered: the last ones come a little later.
    await eventually("every right is used", () => Promise.resolve(unused().length === 0), 5).catch(
      () => undefined,
    );
    assert.deepEqual(unused().map(wordsOf), [], "rights that nothing needs");
    const requests = requestsOf(at.lab, user).filter(
      ({ group }) => !group.endsWith("k8s.io") || group.startsWith("rbac"),
    );
    const surplus = requests.filter((one) => ![...rights, ...beside].some((right) => allows(right, one)));
    assert.deepEqual([...new Set(surplus.map(wordsOf))], [], "requests that go without a right of the file");
  }

  /** What the program does that needs a right and little else; whatever is left is what the engine does to one object. */
  function smallestWork(right: Right, config: KubeConfig): Promise<unknown> {
    const works: readonly [RegExp, () => Promise<unknown>][] = [
      [/^list nodes/, () => readNodes(config)],
      [
        /"kubeadm-config"/,
        async () => {
          told(await readFacts(config, []));
        },
      ],
      [/^get .*"(kube-system|kube-proxy:node-proxier)"/, () => takeSnapshot(config, { folder })],
      [/^list leases/, async () => proven(config, await takeBaseline(admin, "kube-proxy"))],
      [/^list endpointslices/, () => restarted(config)],
      [/pods\/|^list controllerrevisions|endpointslices|^(list|create) services /, () => proven(config)],
      [/^list pods/, () => listPods(config)],
      [/^patch pods/, async () => labelPod(config, (await listPods(admin))[0] as Pod, {})],
      [/^bind roles/, () => withoutRole(() => engineRequest(right, config))],
    ];
    const work = works.find(([pattern]) => pattern.test(wordsOf(right)))?.[1];
    return work === undefined ? engineRequest(right, config) : work();
  }

  /** What could not be read, as whoever needs it is told. */
  function told({ unread = {} }: Pick<ClusterFacts, "unread"> | Pick<ServiceDiagnosis, "unread">): void {
    if (Object.keys(unread).length > 0) throw new Error(Object.values(unread).join("; "));
  }

  async function restarted(config: KubeConfig): Promise<void> {
    assertProven(await restartNodes(config, ["node-0002"], { deadlineMs: 6000, log: () => undefined }));
  }

  async function proven(config: KubeConfig, baseline?: Baseline): Promise<void> {
    // Leases are looked at when all else has passed, which a busy machine takes its time for.
    const deadlineMs = baseline === undefined ? 3000 : 10_000;
    assertProven([await verify(config, { baseline }, { deadlineMs })]);
  }

  /** Where a Service is not asked for, that fails nothing, but says why. */
  function assertProven(reports: readonly Report[]): void {
    const nodes = reports.flatMap((report) => report.nodes);
    const isProven = ({ verdict, service }: NodeResult) =>
      verdict === "verified" && service?.verdict === "answers";
    if (!nodes.every(isProven)) throw new Error(JSON.stringify(nodes));
  }

  async function withoutRole(work: () => Promise<unknown>): Promise<void> {
    const role = await kubectl(["get", "role", "kube-proxy", "-o", "json"]);
    await kubectl(["delete", "role", "kube-proxy"]);
    try {
      await work();
    } finally {
      const { rules } = JSON.parse(role) as { rules: object[] };
      const [apiVersion, kind, metadata] = ["rbac.authorization.k8s.io/v1", "Role", { name: "kube-proxy" }];
      await kubectl(["create", "-f", "-"], JSON.stringify({ apiVersion, kind, metadata, rules }));
    }
  }

  async function engineRequest(
    { verb, group, resource, name, namespace }: Right,
    config: KubeConfig,
  ): Promise<void> {
    const methods: Record<string, HttpMethod> = {
      get: HttpMethod.GET,
      list: HttpMethod.GET,
      create: HttpMethod.POST,
      patch: HttpMethod.PATCH,
      update: HttpMethod.PUT,
      delete: HttpMethod.DELETE,
    };
    const isBinding = verb === "bind";
    const kind = isBinding ? resource.replace(/s$/, "bindings") : resource;
    const base = group === "" ? "/api/v1" : `/apis/${group}/v1`;
    const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
    const isOfAll = isBinding || ["list", "create"].includes(verb);
    const path = `${base}${within}/${kind}${isOfAll ? "" : `/${name ?? "probe"}`}`;
    const roleRef = { apiGroup: group, kind: namespace === undefined ? "ClusterRole" : "Role", name };
    const body = isBinding ? { metadata: { name: "probe" }, roleRef } : {};
    const method = isBinding ? HttpMethod.POST : methods[verb];
    assert.ok(method, verb);
    await request(config, method, path, {
      query: { dryRun: "All" },
      ...(method !== HttpMethod.GET && { body }),
    });
  }

  /** What a user reads without a right. */
  function refusalOf({ verb, resource, namespace }: Right): RegExp {
    if (verb === "bind") {
      return namespace === undefined
        ? /attempting to grant RBAC permissions not currently held/
        : /"kube-proxy" not found/;
    }
    const verbs = resource === "pods/portforward" ? "get or create" : verb;
    return new RegExp(`cannot ${verbs} resource \\\\?"${resource}\\\\?"`);
  }

  /** Takes each right away, one after the other, and does what needs it. */
  async function assertEach(
    operator: Operator,
    rights: readonly Right[],
    beside: readonly Right[] = [],
    work: (right: Right, config: KubeConfig) => Promise<unknown> = smallestWork,
  ): Promise<void> {
    for (const right of rights) {
      await operator.may([...rights, ...beside.filter((other) => !allows(other, right))], right);
      const words = wordsOf(right);
      await assert.rejects(
        work(right, operator.config),
        ({ message }: Error) => {
          assert.match(message, refusalOf(right), words);
          assert.doesNotMatch(message, /\bat .*\.[jt]s:\d+/, words);
          return true;
        },
        words,
      );
    }
    await operator.may([...rights, ...beside]);
  }

  suite("up.yaml", () => {
    // What Pulumi's own provider does while it waits, the stand-in does not.
    const rights = rightsIn("up.yaml", ["-waiting"]);
    // It is asked for all the same.
    const isTwice = (right: Right) => rights.some((one) => wordsOf(one) === wordsOf(right));
    const beside = [...rightsIn("up.yaml"), ...checks].filter((right) => !isTwice(right));
    let operator: Operator;
    before(async () => {
      operator = await operatorWith("up", [...rights, ...beside]);
      await scenario.stack.setConfig({ kubeconfig: operator.kubeconfig });
    });

    test("provision, and change in place what others have changed as well", async () => {
      await scenario.up();
      for (const [what, change] of [
        ["role/kube-proxy", { rules: [] }],
        ["rolebinding/kube-proxy", { subjects: [] }],
        ["clusterrolebinding/kubeadm:node-proxier", { subjects: [] }],
      ] as const) {
        await kubectl(["patch", what, "--type=merge", "-p", JSON.stringify(change)]);
      }
      await scenario.up({ configuration: { iptables: { syncPeriod: "40s" } } });
    });

    test("restart, Rolling and Recreate, and some nodes alone", async () => {
      await scenario.up({ restart: "rolling" });
      await scenario.up({ restartStrategy: "Recreate", restartNodes: { nodes: ["node-0002"] } });
      await scenario.up({ restart: "all at once" });
      await scenario.stack.setConfig({ restartStrategy: undefined });
    });

    test("a switch between modes, and back", async () => {
      await scenario.up({ configuration: { mode: "nftables" } });
      await scenario.up({ configuration: { iptables: { syncPeriod: "40s" } } });
    });

    test("pools: hand over, restart, change in place", async () => {
      await scenario.up({ pools });
      await scenario.up({ restart: "in waves" });
      await scenario.up({ configuration: undefined });
      assert.deepEqual(changesOf(await scenario.stack.preview()), []);
    });

    test("destroy; and every right was needed", async () => {
      await scenario.destroy();
      await assertNeeded(operator, rights, beside);
      await scenario.up({ pools: undefined, restartNodes: undefined });
    });

    test("one right fewer is one thing that fails, with the verb and the resource", async () => {
      await assertEach(operator, rights, beside);
    });

    test("so says `pulumi up`, too", async () => {
      const patch = rights.find(
        (right) => wordsOf(right) === 'patch daemonsets.apps "kube-proxy" in kube-system',
      );
      assert.ok(patch);
      await operator.may([...rights, ...beside], patch);
      await scenario.stack.setConfig({ image: "registry.example.com/kube-proxy:mine" });
      const { ok, output } = await scenario.stack.up();
      assert.ok(!ok, output);
      assert.match(
        output,
        /1 problem in the cluster; nothing was changed:\n +rights: your user: may not patch daemonsets\.apps kube-proxy/,
      );
      await operator.may([...rights, ...beside]);
      await scenario.up();
    });
  });

  test("preview.yaml: preview, with pools and without", async () => {
    const rights = rightsIn("preview.yaml");
    const operator = await operatorWith("preview", [...rights, ...checks]);
    // Always one path, with the rights of whoever has it: the CLI refreshes by the kubeconfig that its state names.
    const kubeconfig = join(folder, "kubeconfig");
    for (const more of [{ pools: undefined }, { pools }]) {
      copyFileSync(at.lab.kubeconfig, kubeconfig);
      await scenario.up({ kubeconfig, ...more });
      copyFileSync(operator.kubeconfig, kubeconfig);
      const preview = await scenario.stack.preview();
      assert.ok(preview.ok, preview.output);
      assert.doesNotMatch(preview.output, /Nothing is checked|not checked/);
    }
    await assertNeeded(operator, [...rights, ...checks]);
    await assertEach(operator, rights, checks);
    copyFileSync(at.lab.kubeconfig, kubeconfig);
    await scenario.up({ pools: undefined });
  });

  test("verify.yaml: verify and doctor", async () => {
    const rights = rightsIn("verify.yaml");
    const operator = await operatorWith("verify", rights);
    const all = { daemonSet: undefined, nodes: undefined, isPatient: false };
    const deadline = AbortSignal.timeout(10_000);
    const choices = await choicesOf(operator.config, { ...all, deadline });
    assert.deepEqual(choices, [{ daemonSet: "kube-proxy", nodes: undefined }]);
    await proven(operator.config);
    assert.ok((await examine(operator.config, { deadlineMs: 5000 })).ok);
    await assertNeeded(operator, rights);
    await assertEach(operator, rights);
  });

  test("service.yaml: why a Service does not answer", async () => {
    const rights = rightsIn("service.yaml");
    const operator = await operatorWith("service", rights);
    const work = async (_: Right, config: KubeConfig) => {
      for (const name of ["kubernetes", "gone"]) {
        told(await examineService(config, { namespace: "default", name }, { deadlineMs: 10_000 }));
      }
    };
    await work(rights[0] as Right, operator.config);
    await assertNeeded(operator, rights);
    await assertEach(operator, rights, [], work);
    // Without those of verify.yaml it says that the nodes were not asked.
    const which = { namespace: "default", name: "kubernetes" };
    const { nodes, unread } = await examineService(operator.config, which, {
      deadlineMs: 10_000,
      isTried: true,
    });
    assert.equal(nodes, null);
    assert.match(unread["kubeProxies"] ?? "", /forbidden/);
  });

  test("no role but up.yaml's makes or changes what others run or resolve names by", async () => {
    const slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices";
    const attempts: readonly [HttpMethod, path: string, body: object][] = [
      // An endpoint of the cluster's DNS, or a Service with an address to which others connect.
      [HttpMethod.POST, slices, { metadata: { name: "dns" }, addressType: "IPv4", endpoints: [] }],
      [HttpMethod.POST, "/api/v1/namespaces/kube-system/services", { metadata: { name: "theirs" } }],
      [HttpMethod.DELETE, "/api/v1/namespaces/kube-system/services/kube-dns", {}],
      [HttpMethod.POST, "/api/v1/namespaces/default/services", { metadata: { name: "theirs" } }],
      [HttpMethod.POST, "/api/v1/namespaces/kube-system/pods", { metadata: { name: "theirs" } }],
      [HttpMethod.PATCH, "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy", { metadata: {} }],
      [HttpMethod.PATCH, "/api/v1/namespaces/kube-system/configmaps/kube-proxy", { data: {} }],
    ];
    for (const file of ["preview", "checks", "verify", "restart-nodes", "service"]) {
      const { config } = await operatorWith(`thief-of-${file}`, rightsIn(`${file}.yaml`));
      for (const [method, path, body] of attempts) {
        const query = { dryRun: "All" };
        await assert.rejects(request(config, method, path, { query, body }), /forbidden/, `${file}: ${path}`);
      }
    }
  });

  test("restart-nodes.yaml: restart-nodes", async () => {
    const rights = rightsIn("restart-nodes.yaml");
    const operator = await operatorWith("restart-nodes", rights);
    await restarted(operator.config);
    await assertNeeded(operator, rights);
    await assertEach(operator, rights);
  });

  test("restore.yaml: snapshot and restore, over what was changed, and over what is gone", async () => {
    const rights = rightsIn("restore.yaml");
    const operator = await operatorWith("restore", rights);
    const [path] = await takeSnapshot(operator.config, { folder });
    assert.ok(path);
    const snapshot = parseSnapshot(readFileSync(path, "utf8"), path);
    const putBack = () => restore(operator.config, snapshot, { timeoutMs: 60_000, log: () => undefined });
    const uids = async () => (await scenario.cluster.fingerprint()).map((line) => line.split(" ")[2]);

    await kubectl(["delete", "daemonset,configmap,serviceaccount,role,rolebinding", "kube-proxy"]);
    await kubectl(["delete", "clusterrolebinding", "kubeadm:node-proxier"]);
    await putBack();
    const made = await uids();
    for (const what of ["daemonset", "configmap", "serviceaccount", "role", "rolebinding"]) {
      await kubectl(["label", what, "kube-proxy", "example.com/theirs=yes"]);
    }
    await kubectl(["label", "clusterrolebinding", "kubeadm:node-proxier", "example.com/theirs=yes"]);
    await putBack();
    assert.deepEqual(await uids(), made, "changed in place");
    const surplus = requestsOf(at.lab, operator.user).filter(
      (one) => !rights.some((right) => allows(right, one)),
    );
    assert.deepEqual(surplus.map(wordsOf), []);
    await assertEach(operator, rights);
  });
});
