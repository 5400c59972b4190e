/** Why Services do not answer: what is read for it, and how long. */
import type { KubeConfig } from "@kubernetes/client-node";
import { count } from "../../service/case.ts";
import {
  type AllDiagnosis,
  diagnose,
  diagnoseAll,
  diagnoseMissing,
  type ServiceDiagnosis,
  toTry,
} from "../../service/diagnose.ts";
import { type ToTry, type Trial, withChange, withReached } from "../../service/trial.ts";
import { ApiError } from "../apiError.ts";
import { Session } from "../session.ts";
import { deadlineIn } from "../deadline.ts";
import { Reader } from "../reader.ts";
import { type Counts, readNames, readServiceFacts, readServices, type ServiceName } from "./read.ts";
import { askEndpoints, askKubeProxies, countAnswers, countReached } from "./trial.ts";

export { formatService, formatServices } from "../../service/format.ts";

/** How long an answer may make no progress, in milliseconds; each page of a list is one. */
const idleMs = 15_000;

/** Time between two lines of progress, in milliseconds. */
const progressMs = 5000;

/** How long it is tried. */
export interface ReadOptions {
  /** Milliseconds after which nothing more is read: what is missing then is said. */
  readonly deadlineMs: number;
  /** Ends it early: the promise then rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Takes a line every 5 s that says how far it is. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** What {@link examineService} does. */
export interface ServiceOptions extends ReadOptions {
  /**
   * Whether the nodes' kube-proxies are asked, and the endpoints by themselves, where the objects do not tell enough.
   * Default: false.
   */
  readonly isTried?: boolean;
}

/**
 * Finds out why a Service does not answer: by the cluster's objects, and, where those tell of nothing that stops it, by asking
 * every node's kube-proxy and some endpoints by themselves. Nothing is changed but for a Service that is made, and removed.
 *
 * @param config - the cluster, see `loadCluster`
 * @throws ApiError when the Service cannot be read; what else cannot be is named in the answer
 */
export async function examineService(
  config: KubeConfig,
  which: ServiceName,
  { isTried = false, ...options }: ServiceOptions,
): Promise<ServiceDiagnosis> {
  const until = Date.now() + options.deadlineMs;
  const { facts, diagnosis } = await reading(config, options, async (reader, counts) => {
    const services = await readServices(reader, which, counts);
    const found = services.length === 0 ? undefined : await readServiceFacts(reader, which, services, counts);
    const byObjects = found && diagnose(found, which);
    if (byObjects !== undefined) return { facts: found, diagnosis: byObjects };
    const names = await readNames(reader, which.namespace);
    return { diagnosis: diagnoseMissing({ ...which, ...names }, reader.unread) };
  });
  const trial = isTried && facts ? toTry(facts, diagnosis) : undefined;
  if (facts === undefined || trial === undefined) return diagnosis;
  return diagnose(facts, which, await tried(config, trial, until, options)) ?? diagnosis;
}

/** @param until - when what has not answered is not waited for any more, in milliseconds since 1970 */
async function tried(
  config: KubeConfig,
  { endpoints: targets, nodePort, changedAt }: ToTry,
  until: number,
  { signal, onProgress }: ReadOptions,
): Promise<Trial> {
  // What was read before has taken of it.
  const inTime = () => ({ deadlineMs: until - Date.now(), signal });
  onProgress?.(
    `Asks each node's kube-proxy, ${count(targets.length, "endpoint")}, and Services that are made there and removed; --objects-only leaves it out.`,
  );
  const untried: Record<string, string> = {};
  const part = async <T>(name: string, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      signal?.throwIfAborted();
      untried[name] = error instanceof ApiError ? error.said : (error as Error).message;
      return undefined;
    }
  };
  const [nodes, endpoints] = await Promise.all([
    part("kubeProxies", askKubeProxies(config, inTime())),
    part("endpointsAlone", askEndpoints(config, targets, inTime())),
  ]);
  const known = nodes?.map(({ report }) => report);
  const reports =
    known === undefined || changedAt === undefined
      ? known
      : withChange(known, (Date.now() - changedAt) / 1000);
  const taking = (endpoints ?? []).filter(({ outcome }) => outcome === "answers");
  if (nodes === undefined || reports === undefined || taking.length === 0) {
    return { nodes: reports, endpoints, untried };
  }
  const [reached, own] = await Promise.all([
    part("endpointsFromNodes", countReached(config, nodes, taking, inTime())),
    nodePort === undefined
      ? undefined
      : part("nodePort", countAnswers(config, nodes, [nodePort], deadlineIn(until - Date.now(), signal))),
  ]);
  const counted = reached && withReached(reports, { endpoints: reached, of: taking.length, own });
  return { nodes: counted ?? reports, endpoints, untried };
}

/** Finds out of all Services what may keep them from answering, see {@link examineService}. */
export async function examineServices(config: KubeConfig, options: ReadOptions): Promise<AllDiagnosis> {
  return await reading(config, options, async (reader, counts) => {
    const services = await readServices(reader, undefined, counts);
    return diagnoseAll(await readServiceFacts(reader, undefined, services, counts));
  });
}

async function reading<T>(
  config: KubeConfig,
  { deadlineMs, signal, onProgress = () => undefined }: ReadOptions,
  work: (reader: Reader, counts: Counts) => Promise<T>,
): Promise<T> {
  const began = Date.now();
  const counts: Counts = { services: 0, endpoints: 0, pods: 0 };
  const stop = deadlineIn(deadlineMs, signal);
  const session = await Session.open(config);
  const progress = setInterval(() => {
    onProgress(formatProgress(counts, (Date.now() - began) / 1000));
  }, progressMs);
  try {
    return await work(new Reader(session, { idleMs }, stop), counts);
  } finally {
    clearInterval(progress);
    await session.close();
  }
}

function formatProgress({ services, endpoints, pods }: Counts, seconds: number): string {
  return `after ${seconds.toFixed(0)} s: ${services} Services, ${endpoints} endpoints and ${pods} pods read`;
}
