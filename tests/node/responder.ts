/** Services that answer on real nodes, for the probe to ask. */
import { kubectl, type Lab } from "../../lab/index.ts";
import { images } from "../../lab/real/build.ts";
import { eventually } from "../e2e/scenario.ts";

const port = 8080;

/** Addresses of a Service by what they test, in the probe's form: `tcp/198.19.0.1:30080`. */
export type Targets = Readonly<Record<string, string>>;

interface ServicePort {
  protocol: string;
  port: number;
  nodePort: number;
}

interface LiveService {
  spec: { clusterIPs: string[]; ports: ServicePort[] };
}

/** A Service of the type NodePort for HTTP and, as DNS is, for UDP. */
const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: {
    type: "NodePort",
    ipFamilyPolicy: "PreferDualStack",
    selector: { app: "responder" },
    ports: [
      { name: "http", protocol: "TCP", port: 80, targetPort: port },
      { name: "dns", protocol: "UDP", port: 53, targetPort: port },
    ],
  },
});

const pod = (command: string[]) => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: "labnode", image: images.labnode, command: ["/labnode", ...command] }],
});

/** A responder on every node. */
const responder = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "responder" },
  spec: {
    selector: { matchLabels: { app: "responder" } },
    template: {
      metadata: { labels: { app: "responder" } },
      spec: pod(["server", "-port", String(port)]),
    },
  },
};

/** A pod to ask from, see {@link clientPod}. */
const client = (nodeName: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: clientPod },
  spec: { nodeName, ...pod(["pause"]) },
});

/** The name of the pod to ask from; it has `/labnode`. */
export const clientPod = "client";

/** Puts responders on all nodes, a Service in front of them, and a pod to ask from on one node. */
export async function deployResponders(lab: Lab, clientNode: string): Promise<void> {
  await apply(lab, responder, service("responder"), client(clientNode));
  await run(lab, ["rollout", "status", "daemonset/responder", "--timeout=240s"]);
  await run(lab, ["wait", "pod", clientPod, "--for=condition=Ready", "--timeout=240s"]);
}

/** Makes a Service of one responder of its own, with more options of `labnode server`. */
export async function addResponder(lab: Lab, name: string, options: string[]): Promise<void> {
  const labels = { app: name };
  const command = ["server", "-port", String(port), ...options];
  const { metadata, spec, ...kind } = service(name);
  await apply(
    lab,
    { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: pod(command) },
    { ...kind, metadata, spec: { ...spec, selector: labels } },
  );
  await run(lab, ["wait", "pod", name, "--for=condition=Ready", "--timeout=240s"]);
  await awaitEndpoints(lab, name, 1, 2);
}

/** Makes one more Service in front of the responders. */
export async function addService(lab: Lab, name: string): Promise<void> {
  await apply(lab, service(name));
}

/**
 * The addresses of a Service, once its endpoints are known.
 *
 * @param node - The node at whose addresses the NodePorts are asked.
 */
export async function targetsOf(lab: Lab, name: string, node: string): Promise<Targets> {
  const get = <T>(...args: string[]) => getJson<T>(lab, ...args);
  const nodes = lab.realNodes.length + lab.vmNodes.length;
  const { spec } = await get<LiveService>("service", name);
  await awaitEndpoints(lab, name, nodes, spec.clusterIPs.length);
  const { status } = await get<{ status: { addresses: { type: string; address: string }[] } }>("node", node);
  const nodeIPs = status.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address);
  const targets = (kind: string, ips: readonly string[], portOf: (port: ServicePort) => number) =>
    ips.flatMap((ip) => {
      const [family, host] = ip.includes(":") ? ["IPv6", `[${ip}]`] : ["IPv4", ip];
      return spec.ports.map((each) => {
        const protocol = each.protocol.toLowerCase();
        return [`${kind} ${protocol} ${family}`, `${protocol}/${host}:${portOf(each)}`] as const;
      });
    });
  return Object.fromEntries([
    ...targets("ClusterIP", spec.clusterIPs, (each) => each.port),
    ...targets("NodePort", nodeIPs, (each) => each.nodePort),
  ]);
}

/** Waits until each family of a Service has so many endpoints. */
async function awaitEndpoints(lab: Lab, name: string, endpoints: number, families: number): Promise<void> {
  await eventually(`endpoints of Service ${name}`, async () => {
    const selector = `kubernetes.io/service-name=${name}`;
    const slices = await getJson<{ items: { endpoints?: unknown[] }[] }>(
      lab,
      ...["endpointslices", "-l", selector],
    );
    return slices.items.filter((slice) => slice.endpoints?.length === endpoints).length === families;
  });
}

async function getJson<T>(lab: Lab, ...args: string[]): Promise<T> {
  return JSON.parse(await run(lab, ["get", "-o", "json", ...args])) as T;
}

async function apply(lab: Lab, ...items: object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await run(lab, ["apply", "-f", "-"], list);
}

async function run(lab: Lab, args: string[], stdin = ""): Promise<string> {
  const { code, stdout, stderr } = await kubectl(lab, args, { stdin });
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}
