import { readFileSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { HttpMethod, type KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { ApiError, request } from "../../components/cluster/api.ts";
import { loadCluster } from "../../components/cluster/client.ts";
import { snapshotNamespace } from "../../components/plan/snapshotIn.ts";
import { testNamespace } from "../../components/plan/testNamespace.ts";
import { type Lab, operators } from "../../lab/index.ts";
import { eventually } from "../e2e/scenario.ts";
import type { Right } from "./rights.ts";

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const apiGroup = "rbac.authorization.k8s.io";

/** Those in which the files in docs/rbac have a Role. */
const namespaces = ["kube-system", testNamespace, snapshotNamespace];

/** A ServiceAccount with the rights that it is given, and none beside those that everybody has. */
export class Operator {
  /** Its name as the API server has it. */
  readonly user: string;
  /** Path of a kubeconfig with its token. */
  readonly kubeconfig: string;
  readonly config: KubeConfig;
  readonly #admin: KubeConfig;
  readonly #name: string;

  private constructor(admin: KubeConfig, name: string, kubeconfig: string) {
    this.user = `system:serviceaccount:${operators}:${name}`;
    this.kubeconfig = kubeconfig;
    this.config = loadCluster({ kubeconfig }, {});
    this.#admin = admin;
    this.#name = name;
  }

  /** Makes one on a lab, without any right. */
  static async create(lab: Lab, name: string): Promise<Operator> {
    const admin = loadCluster({ kubeconfig: lab.kubeconfig }, {});
    for (const namespace of [operators, testNamespace, snapshotNamespace]) {
      await make(admin, "/api/v1/namespaces", { metadata: { name: namespace } });
    }
    const accounts = `/api/v1/namespaces/${operators}/serviceaccounts`;
    await make(admin, accounts, { metadata: { name } });
    const answer = await request(admin, HttpMethod.POST, `${accounts}/${name}/token`, {
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    const { token } = (answer as { status: { token: string } }).status;
    const { clusters, "current-context": current } = parse(readFileSync(lab.kubeconfig, "utf8")) as {
      clusters: { name: string }[];
      "current-context": string;
    };
    const kubeconfig = `${lab.kubeconfig}.${name}`;
    const context = { cluster: clusters[0]?.name, user: name };
    const content = {
      // The administrator's context by name: where this takes that one's place, it is what the state says.
      ...{ apiVersion: "v1", kind: "Config", clusters, "current-context": current },
      contexts: [{ name: current, context }],
      users: [{ name, user: { token } }],
    };
    writeFileSync(kubeconfig, JSON.stringify(content), { mode: 0o600 });
    const operator = new Operator(admin, name, kubeconfig);
    const subjects = [{ kind: "ServiceAccount", name, namespace: operators }];
    for (const [path, kind] of [
      [rbac, "ClusterRole"],
      ...namespaces.map((namespace) => [`${rbac}/namespaces/${namespace}`, "Role"] as const),
    ] as const) {
      const metadata = { name: `operator-${name}` };
      await make(admin, `${path}/${kind.toLowerCase()}s`, { metadata, rules: [] });
      await make(admin, `${path}/${kind.toLowerCase()}bindings`, {
        metadata,
        subjects,
        roleRef: { apiGroup, kind, name: metadata.name },
      });
    }
    return operator;
  }

  /** Gives it these rights and no others, and waits until the API server goes by that. */
  async may(rights: readonly Right[], not?: Right): Promise<void> {
    const isGiven = (right: Right) => !isDeepStrictEqual(right, not);
    for (const namespace of [undefined, ...namespaces]) {
      const path = namespace === undefined ? `${rbac}/clusterroles` : `${rbac}/namespaces/${namespace}/roles`;
      const rules = rights
        .filter((right) => isGiven(right) && right.namespace === namespace)
        .map(({ verb, group, resource, name }) => ({
          ...{ apiGroups: [group], resources: [resource], verbs: [verb] },
          ...(name !== undefined && { resourceNames: [name] }),
        }));
      await request(this.#admin, HttpMethod.PATCH, `${path}/operator-${this.#name}`, { body: { rules } });
    }
    await eventually(`${this.#name} has these rights`, async () => {
      const answers = await Promise.all(rights.map((right) => this.#isAllowed(right)));
      return answers.every((isAllowed, index) => isAllowed === isGiven(rights[index] as Right));
    });
  }

  async #isAllowed({ verb, group, resource: full, name, namespace }: Right): Promise<boolean> {
    const [resource, subresource] = full.split("/");
    const resourceAttributes = { verb, group, resource, subresource, name, namespace };
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user: this.user, groups: ["system:authenticated"], resourceAttributes },
    };
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    const answer = await request(this.#admin, HttpMethod.POST, path, { body });
    return (answer as { status: { allowed: boolean } }).status.allowed;
  }
}

async function make(admin: KubeConfig, path: string, body: object): Promise<void> {
  try {
    await request(admin, HttpMethod.POST, path, { body });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  }
}
