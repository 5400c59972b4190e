/** The package's schema, as it is committed: `npm run schema` makes it from the component's sources. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** As much of Pulumi's package schema as this plugin looks at. */
export interface Schema {
  name: string;
  version?: string;
  resources: Record<string, ResourceSchema>;
  types: Record<string, { properties?: Record<string, Property> }>;
  [other: string]: unknown;
}

export interface ResourceSchema {
  description?: string;
  isComponent?: boolean;
  inputProperties: Record<string, Property>;
  requiredInputs: string[];
  [other: string]: unknown;
}

/** A property, or what a list or a mapping holds. */
export interface Property {
  type?: string;
  $ref?: string;
  description?: string;
  /** Whether it takes no outputs. */
  plain?: boolean;
  optional?: boolean;
  secret?: boolean;
  items?: Property;
  additionalProperties?: Property;
}

export const component = "kube-proxy:index:KubeProxy";

/** The committed schema; without a version, which is the repository's. */
export function committedSchema(): Schema {
  return JSON.parse(readFileSync(join(import.meta.dirname, "schema.json"), "utf8")) as Schema;
}

/** Inputs of the component that take no outputs. */
export function plainInputs({ resources }: Schema): string[] {
  const properties = Object.entries(resources[component]?.inputProperties ?? {});
  return properties.filter(([, { plain }]) => plain === true).map(([key]) => key);
}
