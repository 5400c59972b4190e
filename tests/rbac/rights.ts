import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { auditLog, type Lab } from "../../lab/index.ts";

/** What a rule of RBAC cannot be taken apart further into: one verb on one object, or on all of a kind. */
export interface Right {
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** With a subresource behind a slash. */
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

interface Role {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** Every right that a file in docs/rbac gives, but for those of roles whose name ends in one of `without`. */
export function rightsIn(file: string, without: readonly string[] = []): Right[] {
  const path = join(import.meta.dirname, "..", "..", "docs", "rbac", file);
  const roles = [...parseAllDocuments(readFileSync(path, "utf8"))].map((document) => document.toJS() as Role);
  return roles
    .filter(({ metadata: { name } }) => !without.some((ending) => name.endsWith(ending)))
    .flatMap(({ metadata: { namespace }, rules }) =>
      rules.flatMap(({ apiGroups, resources, resourceNames = [undefined], verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.flatMap((name) =>
              verbs.map((verb) => ({
                ...{ verb, group, resource },
                ...(name !== undefined && { name }),
                ...(namespace !== undefined && { namespace }),
              })),
            ),
          ),
        ),
      ),
    );
}

/** A right in words: `get configmaps/kube-proxy in kube-system`. */
export function wordsOf({ verb, group, resource, name, namespace }: Right): string {
  const what = [resource, ...(group === "" ? [] : [group])].join(".");
  return `${verb} ${what}${name === undefined ? "" : ` "${name}"`}${namespace === undefined ? "" : ` in ${namespace}`}`;
}

/** A request as the API server's audit log has it. */
interface Event {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code: number };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
    readonly name?: string;
    readonly namespace?: string;
  };
}

/** Everything that a user has asked a lab's API server for, but for discovery and the refused. */
export function requestsOf({ dir }: Lab, user: string): Right[] {
  return readFileSync(auditLog(dir), "utf8")
    .split("\n")
    .filter((line) => line.includes(user))
    .map((line) => JSON.parse(line) as Event)
    .filter(({ user: { username } }) => username === user)
    .flatMap(({ verb, objectRef, responseStatus }) => {
      if (objectRef === undefined || responseStatus?.code === 403) return [];
      const { resource, subresource, apiGroup = "", name, namespace } = objectRef;
      return [
        {
          ...{ verb, group: apiGroup, resource: [resource, ...(subresource ? [subresource] : [])].join("/") },
          ...(name !== undefined && { name }),
          ...(namespace !== undefined && { namespace }),
        },
      ];
    });
}

/** Whether a right is what a request needs. */
export function allows(right: Right, request: Right): boolean {
  const isSame = (["verb", "group", "resource"] as const).every((key) => right[key] === request[key]);
  const isWithin = right.namespace === undefined || right.namespace === request.namespace;
  return isSame && isWithin && (right.name === undefined || right.name === request.name);
}
