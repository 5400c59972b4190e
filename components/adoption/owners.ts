/** Pure: whom a live object belongs to, if not to kubeadm. */
import { isRecord } from "../input/record.ts";
import { ownerAnnotation, restartAnnotation } from "../restart/restart.ts";
import { annotationsOf, labelsOf, type LiveObject } from "./live.ts";

/** Marks of tools that would undo whatever this program changes. */
const marks: readonly { readonly tool: string; readonly key: RegExp }[] = [
  { tool: "Helm", key: /^meta\.helm\.sh\// },
  { tool: "Argo CD", key: /^argocd\.argoproj\.io\// },
  { tool: "Flux", key: /^(kustomize|helm)\.toolkit\.fluxcd\.io\// },
  // Argo CD's mark up to 2.14 unless told otherwise, and Helm's custom.
  { tool: "Argo CD or Helm", key: /^app\.kubernetes\.io\/instance$/ },
];

/**
 * Who owns a live object, for people; undefined for kubeadm, this stack and nobody.
 *
 * @param owner - this stack's {@link ownerAnnotation}
 */
export function foreignOwner(object: LiveObject, owner: string | undefined): string | undefined {
  const [annotations, labels] = [annotationsOf(object), labelsOf(object)];
  const stack = annotations[ownerAnnotation];
  if (stack !== undefined && stack !== owner) {
    return `Pulumi stack ${stack} (annotation ${ownerAnnotation})`;
  }
  const manager = labels["app.kubernetes.io/managed-by"];
  if (manager !== undefined) {
    return `${manager} (label app.kubernetes.io/managed-by)`;
  }
  for (const [kind, entries] of [
    ["annotation", annotations],
    ["label", labels],
  ] as const) {
    for (const key of Object.keys(entries)) {
      const mark = marks.find((one) => one.key.test(key));
      if (mark !== undefined) {
        return `${mark.tool} (${kind} ${key})`;
      }
      if (key.startsWith("pulumi.com/") && !(restartAnnotation in annotations)) {
        return `another Pulumi program (${kind} ${key})`;
      }
    }
  }
  const { ownerReferences } = object.metadata;
  const references: readonly unknown[] = Array.isArray(ownerReferences) ? ownerReferences : [];
  const [reference] = references;
  return isRecord(reference) ? `${String(reference["kind"])} ${String(reference["name"])}` : undefined;
}
