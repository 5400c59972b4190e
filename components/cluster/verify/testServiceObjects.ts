import { HttpMethod, type KubeConfig } from "../kubernetes.ts";
import { testNamespace } from "../../plan/testNamespace.ts";
import { ApiError, listAll, request } from "../api.ts";
import type { RequestOptions } from "../session.ts";

/** Label of every test Service and its EndpointSlices; its value tells whose it is. */
export const testServiceLabel = "kube-proxy/test-service";

/** Annotation: from when on a test Service may be removed by anybody, because whoever made it has not. ISO 8601. */
export const expiry = "kube-proxy/expires";

/** With what the name of every test Service begins. */
export const namePrefix = "kube-proxy-test-";

export const paths = {
  services: `/api/v1/namespaces/${testNamespace}/services`,
  slices: `/apis/discovery.k8s.io/v1/namespaces/${testNamespace}/endpointslices`,
};

/** A Service as the API server has it. */
export interface LiveService {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly type?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly nodePort: number; readonly targetPort: number }[];
  };
}

/** The test Services, of somebody or of all. */
export async function listTestServices(
  config: KubeConfig,
  id: string | undefined,
  options: RequestOptions,
): Promise<LiveService[]> {
  const labelSelector = selectorOf(id);
  const found = await listAll<LiveService>(config, paths.services, { ...options, query: { labelSelector } });
  return found.filter(isTestService);
}

/** What finds the objects of somebody, or of all. */
export function selectorOf(id: string | undefined): string {
  return id === undefined ? testServiceLabel : `${testServiceLabel}=${id}`;
}

/** Whether a Service was made by this program: whatever else has its label is somebody's, and stays as it is. */
function isTestService({ metadata: { name, labels = {}, annotations = {} }, spec }: LiveService): boolean {
  return (
    name.startsWith(namePrefix) &&
    testServiceLabel in labels &&
    expiry in annotations &&
    spec.type === "NodePort" &&
    spec.selector === undefined
  );
}

/** Removes the Service that was found, and no other one that has its name by now. It may be gone already. */
export async function removeService(
  config: KubeConfig,
  { name, uid }: LiveService["metadata"],
  options: RequestOptions,
): Promise<void> {
  const path = `${paths.services}/${encodeURIComponent(name)}`;
  try {
    await request(config, HttpMethod.DELETE, path, { ...options, body: { preconditions: { uid } } });
  } catch (error) {
    if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
  }
}
