import { Document, parseAllDocuments, Scalar, visit } from "yaml";
import { inspect } from "../../configuration/inspectYaml.ts";
import { withoutUserinfo } from "../../input/passwords.ts";
import { type Problem, ProblemsError } from "../../input/problems.ts";
import { isRecord } from "../../input/record.ts";
import { type ApiObject, idOf, isKubeProxys, kubeProxyIds, nameOf } from "../objects.ts";

/** kube-proxy's objects of one cluster at one time. */
export interface Snapshot {
  /** UID of namespace kube-system, which stands for the cluster: it has no identity of its own. */
  readonly cluster: string;
  /** URL of the API server. */
  readonly server: string;
  /** When it was taken. */
  readonly time: Date;
  /** The objects, {@link strip}ped. */
  readonly objects: readonly ApiObject[];
}

const title =
  "# kube-proxy's objects as they were in the cluster, for `npm run restore` or `kubectl apply -f`.";
const secrecy =
  "# It holds all that is in them, secrets included, such as values of the container's env: keep it to yourself.";
const endOf = (count: number) => `# end of the snapshot: ${count} objects`;

// kubectl reads YAML 1.1, newer tools 1.2: text that either takes for something else is quoted. kubeadm's own writer
// (goYaml.ts) is no choice here: it writes what kubeadm can write, and a hand-edited object can hold any text.
const yaml = {
  version: "1.1",
  compat: "core",
  lineWidth: 0,
  indentSeq: false,
  sortMapEntries: true,
  aliasDuplicateObjects: false,
} as const;

/** Writes a snapshot as YAML documents between a header and a last line, without which a file counts as cut off. */
export function formatSnapshot({ cluster, server, time, objects }: Snapshot): string {
  const header = [
    title,
    secrecy,
    `# cluster: ${cluster}`,
    `# server: ${server}`,
    `# time: ${time.toISOString()}`,
  ];
  const documents = objects.map((object) => `---\n${documentOf(object)}`);
  return `${header.join("\n")}\n${documents.join("")}${endOf(objects.length)}\n`;
}

/** What kubectl's YAML reader takes for a line break or a byte order mark, and so must be escaped. */
const unsafe = /[\u0085\u2028\u2029\ufeff]/g;

function documentOf(object: ApiObject): string {
  const document = new Document(object, yaml);
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === "string" && node.value.search(unsafe) >= 0) {
        node.type = Scalar.QUOTE_DOUBLE;
      }
    },
  });
  return document
    .toString(yaml)
    .replace(unsafe, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Reads a snapshot back. Objects edited by hand are taken as they are.
 *
 * @param text - the file's content
 * @param file - its name, for errors
 * @throws ProblemsError when it is no snapshot, was cut off, is not YAML, or holds other objects than kube-proxy's
 */
export function parseSnapshot(text: string, file: string): Snapshot {
  const refuse = (accepted: string): never => {
    throw new ProblemsError(file, [{ path: "SNAPSHOT", accepted }]);
  };
  if (!text.startsWith(`${title}\n`)) {
    refuse("a file that `npm run snapshot` wrote; this one does not start like one");
  }
  const documents = parseAllDocuments(text, { version: yaml.version }).filter(
    ({ contents }) => contents !== null,
  );
  if (!text.endsWith(`\n${endOf(documents.length)}\n`)) {
    refuse("a whole snapshot; this one was cut off, or objects were taken out or added: use another one");
  }
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined) {
    refuse(`YAML, which this is not: ${broken.message}`);
  }
  const odd = documents.flatMap((document) => inspect(document).refused ?? [])[0];
  if (odd !== undefined) {
    refuse(`YAML that kubectl reads, which this is not: ${odd}`);
  }
  let objects: unknown[];
  try {
    objects = documents.map((document) => document.toJS() as unknown);
  } catch (error) {
    // Too many aliases.
    return refuse(`YAML, which this is not: ${error instanceof Error ? error.message : String(error)}`);
  }
  const problems = objects.flatMap(checkObject);
  if (problems.length > 0) {
    throw new ProblemsError(file, problems);
  }
  return {
    cluster: headerOf(text, "cluster") ?? refuse("a snapshot whose header names its cluster"),
    // Older ones have it as the kubeconfig had it.
    server: withoutUserinfo(headerOf(text, "server") ?? ""),
    time: new Date(headerOf(text, "time") ?? Number.NaN),
    objects: objects as ApiObject[],
  };
}

function headerOf(text: string, key: string): string | undefined {
  const header = text.slice(0, text.indexOf("\n---\n"));
  return new RegExp(`^# ${key}: (\\S+)$`, "m").exec(header)?.[1];
}

const acceptedObjects =
  `one of ${kubeProxyIds.map(nameOf).join(", ")}, ` +
  "or a pool's ConfigMap or DaemonSet kube-system/kube-proxy-POOL";

function checkObject(object: unknown, index: number): Problem[] {
  const id = isNamed(object) ? idOf(object) : undefined;
  const isOurs = id !== undefined && isKubeProxys(id);
  const value = id && nameOf(id);
  return isOurs ? [] : [{ path: `document ${index + 1}`, value, accepted: acceptedObjects }];
}

function isNamed(object: unknown): object is ApiObject {
  if (!isRecord(object) || !isRecord(object["metadata"])) {
    return false;
  }
  const { name, namespace = "" } = object["metadata"];
  return [object["apiVersion"], object["kind"], name, namespace].every((word) => typeof word === "string");
}
