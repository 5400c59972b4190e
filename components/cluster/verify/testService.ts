import { isIPv6 } from "node:net";
import { ApiError, request } from "../api.ts";
import { HttpMethod, type KubeConfig } from "../kubernetes.ts";

/** Label of every test Service; its value tells whose it is. */
const label = "kube-proxy/test-service";

/** Annotation: from when on a test Service may be removed by anybody, because whoever made it has not. ISO 8601. */
const expiry = "kube-proxy/expires";

const services = "/api/v1/namespaces/kube-system/services";
const slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices";

/** A Service that was made to see whether it answers. */
export interface TestService {
  readonly name: string;
  readonly nodePort: number;
  /** Where its endpoints listen. */
  readonly targetPort: number;
  /** When it was made, by this machine's clock, in milliseconds since 1970; undefined for one that was there. */
  readonly made?: number;
}

/** What {@link makeTestService} makes. */
export interface TestServiceOptions {
  /** Value of the label by which {@link findTestServices} finds it: one of a label's. */
  readonly id: string;
  /** Addresses of its endpoints, all of one family. */
  readonly addresses: readonly string[];
  /** Where they listen. */
  readonly targetPort: number;
  /** Milliseconds after which anybody may remove it. */
  readonly lifetimeMs: number;
}

interface LiveService {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly ports: readonly { readonly nodePort: number; readonly targetPort: number }[] };
}

/**
 * Makes a Service of type NodePort in kube-system, without a selector, and its EndpointSlice. The slice belongs to the
 * Service: who deletes that is rid of both.
 *
 * @throws ApiError when the API server refuses or does not answer; nothing is left then
 */
export async function makeTestService(
  config: KubeConfig,
  { id, addresses, targetPort, lifetimeMs }: TestServiceOptions,
): Promise<TestService> {
  const family = addresses.some((address) => isIPv6(address)) ? "IPv6" : "IPv4";
  const port = { name: "healthz", protocol: "TCP", port: targetPort };
  const expires = new Date(Date.now() + lifetimeMs).toISOString();
  const service = (await request(config, HttpMethod.POST, services, {
    body: {
      metadata: {
        generateName: "kube-proxy-test-",
        labels: { [label]: id },
        annotations: { [expiry]: expires },
      },
      spec: {
        type: "NodePort",
        ipFamilyPolicy: "SingleStack",
        ipFamilies: [family],
        ports: [{ ...port, targetPort }],
      },
    },
  })) as LiveService;
  const made = Date.now();
  const { name, uid } = service.metadata;
  const slice = {
    metadata: {
      name,
      labels: { "kubernetes.io/service-name": name },
      ownerReferences: [{ apiVersion: "v1", kind: "Service", name, uid }],
    },
    addressType: family,
    ports: [port],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
  try {
    await request(config, HttpMethod.POST, slices, { body: slice });
  } catch (error) {
    await removeTestService(config, name);
    throw error;
  }
  return { ...testServiceOf(service), made };
}

/** The test Services of somebody. */
export async function findTestServices(config: KubeConfig, id: string): Promise<TestService[]> {
  return (await list(config, `${label}=${id}`)).map(testServiceOf);
}

/** Removes the test Services of somebody. What the API server keeps, {@link removeExpired} removes another time. */
export async function removeTestServices(config: KubeConfig, id: string): Promise<void> {
  try {
    const found = await findTestServices(config, id);
    await Promise.all(found.map(({ name }) => removeTestService(config, name)));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** Removes the test Services of whoever was killed before they could. */
export async function removeExpired(config: KubeConfig): Promise<void> {
  const expired = (await list(config, label)).filter(
    ({ metadata }) => Date.parse(metadata.annotations?.[expiry] ?? "") < Date.now(),
  );
  await Promise.all(expired.map(({ metadata }) => removeTestService(config, metadata.name)));
}

/** It may be gone already. */
async function removeTestService(config: KubeConfig, name: string): Promise<void> {
  try {
    await request(config, HttpMethod.DELETE, `${services}/${name}`);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

async function list(config: KubeConfig, labelSelector: string): Promise<readonly LiveService[]> {
  const answer = await request(config, HttpMethod.GET, services, { query: { labelSelector } });
  return (answer as { items: LiveService[] }).items;
}

function testServiceOf({ metadata, spec }: LiveService): TestService {
  const { nodePort = 0, targetPort = 0 } = spec.ports[0] ?? {};
  return { name: metadata.name, nodePort, targetPort };
}
