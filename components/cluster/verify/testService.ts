import { isIPv6 } from "node:net";
import { HttpMethod, type KubeConfig } from "../kubernetes.ts";
import { Interrupted } from "../ending.ts";
import { ApiError, create, listAll, request, type RequestOptions } from "../api.ts";

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
  readonly spec: { readonly ports?: readonly { readonly nodePort: number; readonly targetPort: number }[] };
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
  signal?: AbortSignal,
): Promise<TestService> {
  const family = addresses.some((address) => isIPv6(address)) ? "IPv6" : "IPv4";
  const port = { name: "healthz", protocol: "TCP", port: targetPort };
  const expires = new Date(Date.now() + lifetimeMs).toISOString();
  const wanted = {
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
  };
  const service = await create<LiveService>(config, services, wanted, { signal });
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
    await request(config, HttpMethod.POST, slices, { body: slice, signal });
  } catch (error) {
    await removeTestService(config, name, cleanUp(true));
    throw error;
  }
  return { ...testServiceOf(service), made };
}

/** The test Services of somebody. */
export async function findTestServices(
  config: KubeConfig,
  id: string,
  options: RequestOptions = {},
): Promise<TestService[]> {
  return (await list(config, `${label}=${id}`, options)).map(testServiceOf);
}

/**
 * Removes the test Services of somebody, also when the process is about to end. What the API server keeps,
 * {@link removeExpired} removes another time.
 *
 * @param inHaste - whether somebody waits for the end of the process: then it may take a second, else ten
 * @returns whether none is left; false where the API server did not say so in time
 */
export async function removeTestServices(config: KubeConfig, id: string, inHaste = false): Promise<boolean> {
  const options = cleanUp(inHaste);
  try {
    const found = await findTestServices(config, id, options);
    await Promise.all(found.map(({ name }) => removeTestService(config, name, options)));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return false;
  }
}

/** What {@link withTestServices} has to know of the work. */
export interface Use {
  /** See {@link TestServiceOptions.id}. */
  readonly id: string;
  /** Whether there can be any to remove. */
  readonly mayHaveSome: () => boolean;
  /** Whether somebody waits for the end. */
  readonly isInHaste: () => boolean;
}

/**
 * Does work that makes test Services, and removes them afterwards, whatever came of it.
 *
 * @throws what the work throws; an interruption says what has become of the Services
 */
export async function withTestServices<T>(
  config: KubeConfig,
  { id, mayHaveSome, isInHaste }: Use,
  work: () => Promise<T>,
): Promise<T> {
  const [result] = await Promise.allSettled([work()]);
  const isInterrupted = result.status === "rejected" && result.reason instanceof Interrupted;
  const isClean = !mayHaveSome() || (await removeTestServices(config, id, isInterrupted || isInHaste()));
  if (result.status === "fulfilled") return result.value;
  if (!(result.reason instanceof Interrupted)) throw result.reason;
  const left = isClean
    ? "no test Service is left"
    : "a test Service may be left in kube-system, which the next run removes after its time";
  throw new Interrupted(`${result.reason.message}; ${left}`);
}

/** Removes the test Services of whoever was killed before they could. */
export async function removeExpired(config: KubeConfig, options: RequestOptions = {}): Promise<void> {
  const expired = (await list(config, label, options)).filter(
    ({ metadata }) => Date.parse(metadata.annotations?.[expiry] ?? "") < Date.now(),
  );
  await Promise.all(expired.map(({ metadata }) => removeTestService(config, metadata.name, options)));
}

/** Longest time for putting away, in milliseconds; in haste less than the two seconds in which a command has to end. */
const cleanUpMs = { inHaste: 1000, atLeisure: 10_000 };

function cleanUp(inHaste: boolean): RequestOptions {
  const { inHaste: short, atLeisure: long } = cleanUpMs;
  return { isCleanUp: true, signal: AbortSignal.timeout(inHaste ? short : long) };
}

/** It may be gone already. */
async function removeTestService(config: KubeConfig, name: string, options: RequestOptions): Promise<void> {
  try {
    await request(config, HttpMethod.DELETE, `${services}/${encodeURIComponent(name)}`, options);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

async function list(
  config: KubeConfig,
  labelSelector: string,
  options: RequestOptions,
): Promise<readonly LiveService[]> {
  return await listAll<LiveService>(config, services, { ...options, query: { labelSelector } });
}

function testServiceOf({ metadata, spec }: LiveService): TestService {
  const { nodePort = 0, targetPort = 0 } = spec.ports?.[0] ?? {};
  return { name: metadata.name, nodePort, targetPort };
}
