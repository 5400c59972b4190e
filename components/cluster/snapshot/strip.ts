import { isRecord } from "../../input/record.ts";
import type { ApiObject } from "../objects.ts";

/** What the API server alone writes into `metadata`. */
const serverMetadata = new Set([
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
]);

/** What the API server and kubectl write for themselves, and write anew. */
const serverAnnotations = new Set([
  "deprecated.daemonset.template.generation",
  "kubectl.kubernetes.io/last-applied-configuration",
]);

/** What a deletion that is under way adds. */
const serverFinalizers = new Set(["foregroundDeletion", "orphan"]);

/**
 * A live object without what the server added, so that it can be created from it again: in the same cluster that gives
 * an object from which the same is left.
 *
 * Everything a user can set stays, whoever set it. So do defaults that the server filled in: nobody can tell them from
 * what somebody wrote, and they come out the same.
 *
 * @param object - one of kube-proxy's objects; it is not changed
 */
export function strip(object: ApiObject): ApiObject {
  const { apiVersion, kind, metadata } = object;
  const fields = without(object, new Set(["status"]));
  const stripped = { ...fields, apiVersion, kind, metadata: stripMetadata(metadata) };
  switch (object.kind) {
    case "DaemonSet":
      return { ...stripped, spec: stripTemplate(object["spec"]) };
    case "ServiceAccount":
      return stripTokens(stripped);
    default:
      return stripped;
  }
}

function stripMetadata(metadata: ApiObject["metadata"]): ApiObject["metadata"] {
  const { name, annotations, finalizers, ...rest } = metadata;
  const kept = Object.entries(rest).filter(([key]) => !serverMetadata.has(key));
  return {
    ...Object.fromEntries(kept),
    name,
    ...present("annotations", isRecord(annotations) ? without(annotations, serverAnnotations) : annotations),
    ...present(
      "finalizers",
      Array.isArray(finalizers)
        ? finalizers.filter((name: unknown) => !serverFinalizers.has(String(name)))
        : finalizers,
    ),
  };
}

/** Older API servers write `creationTimestamp: null` into the template. */
function stripTemplate(spec: unknown): unknown {
  if (!isRecord(spec) || !isRecord(spec["template"]) || !isRecord(spec["template"]["metadata"])) {
    return spec;
  }
  const metadata = without(spec["template"]["metadata"], new Set(["creationTimestamp"]));
  return { ...spec, template: { ...spec["template"], metadata } };
}

/**
 * Up to Kubernetes 1.23 the controller manager makes a token for each ServiceAccount and adds it to `secrets`; one that
 * is gone with its ServiceAccount must not be referred to.
 */
function stripTokens(account: ApiObject): ApiObject {
  const { secrets, ...rest } = account;
  const isToken = (secret: unknown) =>
    isRecord(secret) && String(secret["name"]).startsWith(`${account.metadata.name}-token-`);
  return {
    ...rest,
    ...present("secrets", Array.isArray(secrets) ? secrets.filter((secret) => !isToken(secret)) : secrets),
  };
}

function without(
  record: Readonly<Record<string, unknown>>,
  keys: ReadonlySet<string>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.has(key)));
}

/** One field, or none where nothing is left in it. */
function present(key: string, value: unknown): Record<string, unknown> {
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return value === undefined || isEmpty ? {} : { [key]: value };
}
