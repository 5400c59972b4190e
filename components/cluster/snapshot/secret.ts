/** Pure: a snapshot as a Secret, and back. */
import { gunzipSync, gzipSync } from "node:zlib";
import { ProblemsError } from "../../input/problems.ts";
import { isRecord } from "../../input/record.ts";
import { snapshotNamespace } from "../../plan/snapshotIn.ts";
import { type ApiObject, type Collection, idOf, nameOf } from "../objects.ts";
import { formatSnapshot, parseSnapshot, type Snapshot } from "./format.ts";

/** Where the Secrets are. */
export const secrets: Collection = { apiVersion: "v1", kind: "Secret", namespace: snapshotNamespace };

/** What tells what this program has made. */
export const keptLabel = { name: "app.kubernetes.io/managed-by", value: "kube-proxy-as-code" };

/** Type of the Secrets. */
export const secretType = "kube-proxy/snapshot";

/** The one key: the text of a snapshot's file. */
const key = "snapshot.yaml.gz";

/** Largest Secret in bytes. Source: `MaxSecretSize` in Kubernetes' `pkg/apis/core/types.go`. */
const largest = 1024 * 1024;

/** Longest text in bytes, where a thousand pools have 5 MB: what somebody else has packed may unfold without an end. */
const longestText = 8 * 1024 * 1024;

/** A Secret's name: its snapshot's time in UTC, as a file's, in the letters that a name may have. Sorts by time. */
const namePattern = /^\d{4}-\d{2}-\d{2}t\d{2}-\d{2}-\d{2}\.\d{3}z$/;

/**
 * The Secret of a snapshot. It is immutable: nobody changes it in passing, and no kubelet watches it.
 *
 * @throws ProblemsError for one that is too large for a Secret
 */
export function secretOf(snapshot: Snapshot): ApiObject {
  const text = formatSnapshot(snapshot);
  const data = gzipSync(text);
  if (data.length > largest || Buffer.byteLength(text) > longestText) {
    const accepted =
      `a snapshot of at most ${largest} bytes once it is compressed, as much as a Secret holds, and ${longestText} before; ` +
      `this one has ${data.length} and ${Buffer.byteLength(text)}: set it, or --in, to folder, or take out of kube-proxy's ` +
      "ConfigMaps what is not kube-proxy's";
    throw new ProblemsError("where snapshots are kept", [{ path: "snapshotIn", value: "cluster", accepted }]);
  }
  return {
    ...{ apiVersion: "v1", kind: "Secret", type: secretType, immutable: true },
    metadata: {
      name: snapshot.time.toISOString().replaceAll(":", "-").toLowerCase(),
      namespace: snapshotNamespace,
      labels: { [keptLabel.name]: keptLabel.value },
    },
    data: { [key]: data.toString("base64") },
  };
}

/** Whether a Secret of {@link secretType} is a snapshot's, and not somebody else's: only then it is told or deleted. */
export function isKept({ metadata: { name, labels } }: Pick<ApiObject, "metadata">): boolean {
  return isRecord(labels) && labels[keptLabel.name] === keptLabel.value && namePattern.test(name);
}

/**
 * The snapshot of a Secret; undefined for somebody else's.
 *
 * @throws ProblemsError for one of ours that holds no snapshot
 */
export function snapshotOf(secret: ApiObject): Snapshot | undefined {
  const { data, type } = secret;
  if (!isKept(secret) || type !== secretType) return undefined;
  const packed = isRecord(data) ? data[key] : undefined;
  const name = nameOf(idOf(secret));
  let text: string;
  try {
    const bytes = gunzipSync(Buffer.from(String(packed), "base64"), { maxOutputLength: longestText });
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ProblemsError(name, [
      {
        path: "SNAPSHOT",
        accepted: `a text of at most ${longestText} bytes, packed by gzip; this is none: ${why}`,
      },
    ]);
  }
  return parseSnapshot(text, name);
}
