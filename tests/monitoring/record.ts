/**
 * Records what `tests/monitoring/recorded` holds, on real nodes: `node tests/monitoring/record.ts [LOT...]`, each lot in a
 * lab of its own, some 20 minutes each. Needs root, as real nodes do.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { down, kubectl, type Lab, type Mode, nodeCommand, up } from "../../lab/index.ts";
import { bindPort } from "../../lab/kubeadm.ts";
import { network } from "../../lab/network.ts";
import { images } from "../../lab/real/build.ts";
import { run, runOrFail } from "../../lab/tools.ts";
import { type Page, type Recording, seriesOf, tablesOf } from "./recording.ts";

const folder = join(import.meta.dirname, "recorded");
const faulty = "real-1";
const interval = 15;

/** What is done to a lab while it is recorded. */
interface Scenario {
  readonly name: string;
  readonly what: string;
  /** Scrapes before, during and after the fault. */
  readonly lengths: readonly [before: number, during: number, after: number];
  /** Plants the fault; what it returns mends it. */
  readonly plant: (nodes: Nodes) => Promise<() => Promise<void>>;
  readonly buckets?: true;
}

/** One lab with the nodes of one mode. */
class Nodes {
  readonly lab: Lab;
  readonly names: readonly string[];
  constructor(lab: Lab, count: number) {
    this.lab = lab;
    this.names = Array.from({ length: count }, (_, index) => `real-${index + 1}`);
  }

  onNode(...args: string[]): Promise<string> {
    return runOrFail(nodeCommand(this.lab, faulty, args));
  }

  async kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await kubectl(this.lab, args, stdin === undefined ? {} : { stdin });
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** Runs a command on the faulty node that has this input and waits for more, until what is returned is called. */
  hold(command: string[], input: string): () => Promise<void> {
    const { file, args, env } = nodeCommand(this.lab, faulty, command);
    const child = spawn(file, args, { env, stdio: ["pipe", "ignore", "ignore"] });
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.stdin.write(input);
    return async () => {
      child.stdin.end();
      await ended;
    };
  }

  async deletePod(): Promise<void> {
    const selector = ["-l", "k8s-app=kube-proxy", "--field-selector", `spec.nodeName=${faulty}`];
    await this.kubectl(["-n", "kube-system", "delete", "pod", ...selector, "--grace-period=1"]);
  }

  /** A change of which every kube-proxy hears. */
  async change(replicas: number): Promise<void> {
    await this.kubectl(["scale", "deployment", "changes", `--replicas=${replicas}`]);
  }

  /** Waits until every kube-proxy answers. */
  async answering(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while ((await Promise.all(this.names.map((name) => this.page(name)))).includes(undefined)) {
      if (Date.now() > deadline) throw new Error(`${this.lab.dir}: a kube-proxy does not answer`);
      await sleep(1000);
    }
  }

  async page(node: string): Promise<Page> {
    const command = nodeCommand(this.lab, node, ["wget", "-qO-", "http://127.0.0.1:10249/metrics"]);
    try {
      const { code, stdout } = await run(command, { signal: AbortSignal.timeout(5000) });
      return code === 0 ? stdout : undefined;
    } catch {
      return undefined;
    }
  }
}

const ownedTable = "delete table ip kube-proxy\nadd table ip kube-proxy { flags owner; }\n";
/** What kube-proxy needs to start, but for Services and their endpoints. */
const withoutServices = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "without-services" },
      rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "without-services" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "without-services" },
      subjects: [{ kind: "ServiceAccount", name: "kube-proxy", namespace: "kube-system" }],
    },
  ],
};
const nftables = {
  healthy: {
    name: "nftables-healthy",
    what: "nothing is wrong; a Service gets endpoints",
    lengths: [4, 4, 8],
    plant: async (nodes) => {
      await nodes.change(2);
      return async () => nodes.change(1);
    },
    buckets: true,
  },
  failuresGrow: {
    name: "nftables-failuresGrow",
    what: "somebody else owns kube-proxy's table on real-1, so that nft refuses every sync",
    lengths: [4, 30, 8],
    plant: async (nodes) => {
      const mend = nodes.hold(["nft", "-i"], ownedTable);
      await sleep(1000);
      await nodes.change(2);
      return async () => {
        await mend();
        await nodes.change(1);
      };
    },
  },
  crashing: {
    name: "nftables-crashing",
    what: "somebody else owns kube-proxy's table on real-1 when kube-proxy starts there, which ends it each time",
    lengths: [4, 30, 8],
    plant: async (nodes) => {
      const mend = nodes.hold(["nft", "-i"], ownedTable);
      await sleep(1000);
      await nodes.deletePod();
      return mend;
    },
  },
  neverSynced: {
    name: "nftables-neverSynced",
    what: "kube-proxy of real-1 starts while it may not list Services",
    lengths: [4, 20, 14],
    plant: async (nodes) => {
      const name = "kubeadm:node-proxier";
      const binding = await nodes.kubectl(["get", "clusterrolebinding", name, "-o", "json"]);
      await nodes.kubectl(["apply", "-f", "-"], JSON.stringify(withoutServices));
      await nodes.kubectl(["delete", "clusterrolebinding", name]);
      await nodes.deletePod();
      return async () => {
        const { metadata: _, ...rest } = JSON.parse(binding) as { metadata: unknown };
        await nodes.kubectl(["create", "-f", "-"], JSON.stringify({ ...rest, metadata: { name } }));
      };
    },
  },
  wrongMode: {
    name: "nftables-wrongMode",
    what: "kube-proxy of real-1 starts while the ConfigMap says iptables, which others have not read",
    lengths: [4, 12, 8],
    plant: async (nodes) => {
      const get = ["-n", "kube-system", "get", "configmap", "kube-proxy", "-o"];
      const before = await nodes.kubectl([...get, "jsonpath={.data.config\\.conf}"]);
      const patch = (conf: string) =>
        nodes.kubectl([
          ...["-n", "kube-system", "patch", "configmap", "kube-proxy"],
          ...["-p", JSON.stringify({ data: { "config.conf": conf } })],
        ]);
      await patch(before.replace(/^mode: .*$/m, "mode: iptables"));
      await nodes.deletePod();
      return async () => {
        await patch(before);
        await nodes.deletePod();
      };
    },
  },
  slow: {
    name: "nftables-slow",
    what: "kube-proxy of real-1 is stopped again and again, while endpoints of a Service change",
    lengths: [4, 24, 28],
    plant: (nodes) => {
      const ending = new AbortController();
      const work = (async () => {
        for (let replicas = 2; !ending.signal.aborted; replicas = 5 - replicas) {
          await nodes.onNode("killall", "-STOP", "kube-proxy");
          await nodes.change(replicas);
          await sleep(50_000);
          await nodes.onNode("killall", "-CONT", "kube-proxy");
          await sleep(interval * 1000);
        }
      })();
      return Promise.resolve(() => {
        ending.abort();
        return work;
      });
    },
    buckets: true,
  },
} satisfies Readonly<Record<string, Scenario>>;

/** What kube-proxy does not notice, or mends by itself. */
const unseen: Scenario[] = [
  {
    name: "nftables-removed",
    what: "somebody removes all rules on real-1 once",
    lengths: [4, 12, 4],
    plant: async (nodes) => {
      await nodes.onNode("nft", "flush", "ruleset");
      await nodes.change(2);
      return () => nodes.change(1);
    },
  },
  {
    name: "nftables-deaf",
    what: "the API server cannot be reached from real-1 any more, while endpoints change",
    lengths: [4, 24, 8],
    plant: async (nodes) => {
      const chain = "input { type filter hook input priority filter ; }";
      const rule = `ip saddr ${network.advertiseAddress} tcp sport ${bindPort} drop`;
      const block = ["add table ip lab", `add chain ip lab ${chain}`, `add rule ip lab input ${rule}`];
      await nodes.onNode("nft", block.join(" ; "));
      await nodes.change(2);
      return async () => {
        await nodes.onNode("nft", "delete table ip lab");
        await nodes.change(1);
      };
    },
  },
];

const stopped = (mode: Mode): Scenario => ({
  name: `${mode}-stopped`,
  what: "the process of kube-proxy on real-1 is stopped",
  lengths: [4, 8, 4],
  plant: async (nodes) => {
    await nodes.onNode("killall", "-STOP", "kube-proxy");
    return async () => {
      await nodes.onNode("killall", "-CONT", "kube-proxy");
    };
  },
});

const iptables = {
  healthy: { ...nftables.healthy, name: "iptables-healthy" },
  lockHeld: {
    name: "iptables-lockHeld",
    what: "somebody holds the lock of iptables on real-1",
    lengths: [4, 30, 8],
    plant: async (nodes) => {
      const mend = nodes.hold(["iptables-legacy-restore", "--noflush"], "*nat\n");
      await sleep(1000);
      await nodes.change(2);
      return async () => {
        await mend();
        await nodes.change(1);
      };
    },
  },
} satisfies Readonly<Record<string, Scenario>>;

/** Whom to record in one lab, one after the other. */
const lots: Readonly<Record<string, { mode: Mode; nodes: number; image?: string; scenarios: Scenario[] }>> = {
  nftables: {
    mode: "nftables",
    nodes: 3,
    scenarios: [nftables.healthy, nftables.wrongMode, stopped("nftables"), nftables.slow],
  },
  refused: { mode: "nftables", nodes: 2, scenarios: [nftables.failuresGrow, nftables.crashing] },
  starts: { mode: "nftables", nodes: 2, scenarios: [nftables.neverSynced] },
  unseen: { mode: "nftables", nodes: 2, scenarios: unseen },
  iptables: {
    mode: "iptables",
    nodes: 2,
    image: images.legacyIptables,
    scenarios: [iptables.healthy, stopped("iptables"), iptables.lockHeld],
  },
};

const workload = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "changes" },
      spec: { selector: { app: "changes" }, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "changes" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "changes" } },
        template: {
          metadata: { labels: { app: "changes" } },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ name: "server", image: images.labnode, command: ["/labnode", "server"] }],
          },
        },
      },
    },
  ],
};

const chosen = process.argv.slice(2);
// Each ends its lab, also where another one fails.
const ended = await Promise.allSettled((chosen.length === 0 ? Object.keys(lots) : chosen).map(recordLot));
for (const lot of ended) if (lot.status === "rejected") throw lot.reason;

async function recordLot(name: string): Promise<void> {
  const lot = lots[name];
  if (lot === undefined)
    throw new Error(`there is no lot ${name}; those are ${Object.keys(lots).join(", ")}`);
  const { mode, nodes: count, image, scenarios } = lot;
  const lab = `record-${name}`;
  try {
    const nodes = new Nodes(await up({ name: lab, realNodes: count, mode }), count);
    await nodes.kubectl(["apply", "-f", "-"], JSON.stringify(workload));
    if (image !== undefined) {
      await nodes.kubectl([
        "-n",
        "kube-system",
        "set",
        "image",
        "daemonset/kube-proxy",
        `kube-proxy=${image}`,
      ]);
      await nodes.kubectl(["-n", "kube-system", "rollout", "status", "daemonset/kube-proxy", "--timeout=2m"]);
    }
    await nodes.kubectl(["rollout", "status", "deployment/changes", "--timeout=2m"]);
    for (const scenario of scenarios) await record(nodes, mode, scenario);
  } finally {
    await down(lab);
  }
}

async function record(nodes: Nodes, mode: Mode, scenario: Scenario): Promise<void> {
  const [before, during, after] = scenario.lengths;
  const planted = before;
  const mended = before + during;
  const pages = new Map<string, Page[]>(nodes.names.map((name) => [name, []]));
  await nodes.answering();
  const start = Date.now() / 1000;
  let mend: (() => Promise<void>) | undefined;
  let work = Promise.resolve();
  try {
    for (let scrape = 0; scrape < mended + after; scrape += 1) {
      const due = (start + scrape * interval) * 1000 - Date.now();
      if (due > 0) await sleep(due);
      await Promise.all(nodes.names.map(async (name) => pages.get(name)?.push(await nodes.page(name))));
      if (scrape + 1 === planted)
        work = scenario.plant(nodes).then((how) => {
          mend = how;
        });
      if (scrape + 1 === mended) work = work.then(() => mend?.()).finally(() => (mend = undefined));
    }
    await work;
  } finally {
    await mend?.();
  }
  const [page = ""] = pages.get("real-2") ?? [];
  const version = /git_version="([^"]*)"/.exec(page)?.[1] ?? "";
  const recording: Recording = {
    ...{ what: scenario.what, mode, version, interval, scrapes: mended + after, planted, mended },
    nodes: Object.fromEntries(
      [...pages].map(([name, all]) => [name, seriesOf(all, start, { buckets: scenario.buckets === true })]),
    ),
  };
  writeFileSync(join(folder, `${scenario.name}.json`), `${JSON.stringify(recording, undefined, 2)}\n`);
  if (scenario.name.endsWith("-healthy")) {
    writeFileSync(join(folder, `${mode}.prom`), tablesOf(pages.get("real-1")?.at(-1) ?? ""));
  }
  console.log(`${scenario.name}: recorded`);
}
