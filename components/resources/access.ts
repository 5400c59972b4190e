/** Pulumi: kube-proxy's ServiceAccount and its rights. */
import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { KubeProxyObjects } from "../kubeadm/objects.ts";
import { ClusterRoleChoice } from "../kubeadm/settings.ts";
import { mutable } from "./mutable.ts";

/** How they are declared. */
export interface AccessOptions {
  /** Undefined for the API server's own ClusterRole. */
  readonly clusterRole: ClusterRoleChoice | undefined;
  /** Options of an object, by its kind. */
  readonly optionsOf: (kind: string) => pulumi.CustomResourceOptions;
}

/** What was declared. */
export interface Access {
  readonly all: readonly pulumi.Resource[];
  /** What has to be there before the pods are. */
  readonly needed: readonly pulumi.Resource[];
}

/**
 * Declares the ServiceAccount and its rights.
 *
 * @param name - the component's, with which their names begin
 */
export function declareAccess(
  name: string,
  objects: pulumi.Output<KubeProxyObjects>,
  { clusterRole: choice, optionsOf }: AccessOptions,
): Access {
  const { ServiceAccount } = kubernetes.core.v1;
  const { ClusterRole, ClusterRoleBinding, Role, RoleBinding } = kubernetes.rbac.v1;
  const { serviceAccount, clusterRoleBinding, role, roleBinding } = objects;

  const account = new ServiceAccount(
    `${name}-service-account`,
    { metadata: serviceAccount.metadata },
    optionsOf("ServiceAccount"),
  );
  const clusterRole =
    choice === ClusterRoleChoice.create
      ? [
          new ClusterRole(
            `${name}-cluster-role`,
            {
              metadata: objects.apply((all) => all.clusterRole?.metadata ?? {}),
              rules: objects.apply((all) => mutable(all.clusterRole?.rules ?? [])),
            },
            optionsOf("ClusterRole"),
          ),
        ]
      : [];
  const binding = new ClusterRoleBinding(
    `${name}-cluster-role-binding`,
    {
      metadata: clusterRoleBinding.metadata,
      roleRef: clusterRoleBinding.roleRef,
      subjects: clusterRoleBinding.apply(({ subjects }) => mutable(subjects)),
    },
    { ...optionsOf("ClusterRoleBinding"), dependsOn: clusterRole },
  );
  const bootstrapRole = new Role(
    `${name}-role`,
    { metadata: role.metadata, rules: role.apply(({ rules }) => mutable(rules)) },
    optionsOf("Role"),
  );
  const bootstrapBinding = new RoleBinding(
    `${name}-role-binding`,
    {
      metadata: roleBinding.metadata,
      roleRef: roleBinding.roleRef,
      // With the group that the API server fills in: an import compares it, and would write the binding anew.
      subjects: roleBinding.apply(({ subjects, roleRef: { apiGroup } }) =>
        subjects.map((subject) => ({ ...subject, apiGroup })),
      ),
    },
    { ...optionsOf("RoleBinding"), dependsOn: [bootstrapRole] },
  );
  return {
    all: [account, ...clusterRole, binding, bootstrapRole, bootstrapBinding],
    needed: [account, binding, bootstrapBinding],
  };
}
