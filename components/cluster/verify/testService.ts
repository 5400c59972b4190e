import { randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";
import { HttpMethod, type KubeConfig } from "../kubernetes.ts";
import { ApiError, create, listAll, request } from "../api.ts";
import type { RequestOptions } from "../session.ts";
import { forEachConcurrently } from "../concurrency.ts";
import {
  expiry,
  listTestServices,
  type LiveService,
  namePrefix,
  paths,
  removeService,
  selectorOf,
  testServiceLabel,
} from "./testServiceObjects.ts";
import { cleanUp, removeUnanswered } from "./testServiceRemoval.ts";

/** Label by which an EndpointSlice belongs to a Service. */
const serviceName = "kubernetes.io/service-name";

/** As many endpoints as the API server takes in one EndpointSlice. */
const mostEndpoints = 1000;

/** EndpointSlices that are made at a time. */
const concurrency = 4;

/** A node that a test Service leads to. */
export interface TestNode {
  readonly node: string;
  /** Of its kube-proxy's pod, which is the node's. */
  readonly address: string;
}

/** An endpoint of a test Service. */
export interface TestEndpoint {
  readonly address: string;
  /** When it was made, by this machine's clock, in milliseconds since 1970; undefined for one that was there. */
  readonly made?: number;
}

/** A Service that was made to see whether it answers. */
export interface TestService {
  readonly name: string;
  readonly uid: string;
  readonly nodePort: number;
  /** Where its endpoints listen. */
  readonly targetPort: number;
  /** By node. */
  readonly endpoints: ReadonlyMap<string, TestEndpoint>;
}

/** What {@link makeTestService} makes. */
export interface TestServiceOptions {
  /** Value of the label by which {@link findTestServices} finds it: one of a label's. */
  readonly id: string;
  /** Where its endpoints are, all of one family. */
  readonly nodes: readonly TestNode[];
  /** Where they listen. */
  readonly targetPort: number;
  /** Whether it leads to all of them from every node. Default: at each node to that node's alone. */
  readonly isShared?: boolean;
  /** Milliseconds after which anybody may remove it. */
  readonly lifetimeMs: number;
}

/**
 * Makes a Service of type NodePort, without a selector, and its EndpointSlices. The slices belong to the Service: who
 * deletes that is rid of all.
 *
 * At each node it leads to that node alone, unless it is shared: what it says of one does not hang on others, nor on the
 * network between them. See {@link addEndpoints}.
 *
 * @throws ApiError when the API server refuses or does not answer; nothing is left then
 */
export async function makeTestService(
  config: KubeConfig,
  { id, nodes, targetPort, isShared = false, lifetimeMs }: TestServiceOptions,
  signal?: AbortSignal,
): Promise<TestService> {
  // Known before there is an answer, so that it can be removed when there is none.
  const name = `${namePrefix}${randomBytes(5).toString("hex")}`;
  const wanted = {
    metadata: {
      name,
      labels: { [testServiceLabel]: id },
      annotations: { [expiry]: new Date(Date.now() + lifetimeMs).toISOString() },
    },
    spec: {
      type: "NodePort",
      externalTrafficPolicy: isShared ? "Cluster" : "Local",
      ipFamilyPolicy: "SingleStack",
      ipFamilies: [familyOf(nodes)],
      ports: [{ ...portOf(targetPort), targetPort }],
    },
  };
  let service: LiveService;
  try {
    service = await create<LiveService>(config, paths.services, wanted, { signal });
  } catch (error) {
    if (!(error instanceof ApiError && error.status !== undefined)) await removeUnanswered(config, id, name);
    throw error;
  }
  try {
    return await addEndpoints(
      config,
      { ...testServiceOf(service), endpoints: new Map() },
      { id, nodes, isShared },
      signal,
    );
  } catch (error) {
    await removeService(config, service.metadata, cleanUp("inHaste"));
    throw error;
  }
}

/**
 * Makes endpoints of a Service on further nodes.
 *
 * `nodeName` makes an endpoint the only one of its node under the policy `Local`; but kube-proxy lets what comes from its
 * own node, or from a pod there, go to all of them. The hint, which it obeys since 1.34, keeps that on the node, too; and
 * it has rules for one endpoint instead of thousands.
 *
 * Source: Kubernetes' `pkg/proxy/topology.go`, and `short-circuit` in `pkg/proxy/nftables/proxier.go`.
 *
 * @returns the Service with all its endpoints
 * @throws ApiError when the API server refuses or does not answer; some may have been made then
 */
export async function addEndpoints(
  config: KubeConfig,
  service: TestService,
  { id, nodes, isShared = false }: Pick<TestServiceOptions, "id" | "nodes" | "isShared">,
  signal?: AbortSignal,
): Promise<TestService> {
  const { name, uid, targetPort } = service;
  const made = Date.now();
  const chunks = Array.from({ length: Math.ceil(nodes.length / mostEndpoints) }, (_, index) =>
    nodes.slice(index * mostEndpoints, (index + 1) * mostEndpoints),
  );
  await forEachConcurrently(chunks, concurrency, async (chunk) => {
    const slice = {
      metadata: {
        generateName: `${name}-`,
        labels: { [serviceName]: name, [testServiceLabel]: id },
        ownerReferences: [{ apiVersion: "v1", kind: "Service", name, uid }],
      },
      addressType: familyOf(chunk),
      ports: [portOf(targetPort)],
      endpoints: chunk.map(({ node, address }) => ({
        addresses: [address],
        nodeName: node,
        conditions: { ready: true },
        ...(!isShared && { hints: { forNodes: [{ name: node }] } }),
      })),
    };
    await request(config, HttpMethod.POST, paths.slices, { body: slice, signal });
  });
  const added = nodes.map(({ node, address }) => [node, { address, made }] as const);
  return { ...service, endpoints: new Map([...service.endpoints, ...added]) };
}

interface LiveSlice {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly endpoints?:
    readonly { readonly addresses: readonly string[]; readonly nodeName?: string }[] | null;
}

/** The test Services of somebody. */
export async function findTestServices(
  config: KubeConfig,
  id: string,
  options: RequestOptions = {},
): Promise<TestService[]> {
  const services = await listTestServices(config, id, options);
  if (services.length === 0) return [];
  const query = { labelSelector: selectorOf(id) };
  const slices = await listAll<LiveSlice>(config, paths.slices, { ...options, query });
  const byService = Map.groupBy(slices, ({ metadata }) => metadata.labels?.[serviceName]);
  return services.map((service) => {
    const found = (byService.get(service.metadata.name) ?? []).flatMap(({ endpoints }) => endpoints ?? []);
    const endpoints = found.map(
      ({ nodeName = "", addresses: [address = ""] }) => [nodeName, { address }] as const,
    );
    return { ...testServiceOf(service), endpoints: new Map(endpoints) };
  });
}

function familyOf(nodes: readonly TestNode[]): "IPv4" | "IPv6" {
  return nodes.some(({ address }) => isIPv6(address)) ? "IPv6" : "IPv4";
}

function portOf(port: number): object {
  return { name: "healthz", protocol: "TCP", port };
}

function testServiceOf({ metadata: { name, uid }, spec }: LiveService): Omit<TestService, "endpoints"> {
  const { nodePort = 0, targetPort = 0 } = spec.ports?.[0] ?? {};
  return { name, uid, nodePort, targetPort };
}
