/**
 * Programs in Pulumi YAML, as far as the examples need it: resources with properties and `dependsOn`, outputs, and references
 * to config and to what a resource gives out.
 *
 * Source: pulumi-yaml `pkg/pulumiyaml/run.go`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import type { Project } from "./project.ts";
import type { Props } from "./values.ts";

interface Program {
  resources?: Record<string, Declared>;
  outputs?: Props;
}

interface Declared {
  type: string;
  properties?: Props;
  options?: { dependsOn?: string[] };
}

class Custom extends pulumi.CustomResource {}

class Remote extends pulumi.ComponentResource {
  constructor(type: string, name: string, props: Props, options: pulumi.ComponentResourceOptions) {
    super(type, name, props, options, true);
  }
}

const reference = /\$\{([^}]+)\}/g;

/** Registers what the program declares, and gives its outputs. */
export function yamlProgram({ folder, packages, config: declared }: Project): Props {
  const source = readFileSync(join(folder, "Pulumi.yaml"), "utf8");
  const { resources = {}, outputs = {} } = parse(source) as Program;
  const config = new pulumi.Config();
  const made = new Map<string, pulumi.Resource>();
  // What is read of a resource is an output of it.
  const wanted = [...source.matchAll(reference)].map(([, path = ""]) => path.split(/[.[]/));

  const lookUp = (path: string): unknown => {
    const [name = "", ...rest] = path.split(".");
    if (name in resources) {
      const output = (resource(name) as unknown as Record<string, pulumi.Output<unknown>>)[rest[0] ?? "urn"];
      return rest.slice(1).reduce((value, key) => value?.apply((all) => (all as Props)[key]), output);
    }
    const type = declared[`${config.name}:${name}`]?.type;
    if (type === undefined)
      throw new pulumi.RunError(`resource or variable named "${name}" could not be found`);
    return type === "string" ? config.get(name) : config.getObject(name);
  };
  const evaluate = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(evaluate);
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, evaluate(item)]));
    }
    if (typeof value !== "string") return value;
    const [whole] = value.matchAll(reference);
    if (whole?.[0] === value) return lookUp(whole[1] ?? "");
    const parts = value.split(reference).map((part, index) => (index % 2 === 0 ? part : lookUp(part)));
    return parts.length === 1 ? value : pulumi.all(parts).apply((all) => all.join(""));
  };
  const resource = (name: string): pulumi.Resource => {
    const found = made.get(name);
    if (found !== undefined) return found;
    const { type, properties = {}, options = {} } = resources[name] ?? { type: "" };
    const [pkg = "", module = "", member] = type.split(":");
    const token = member === undefined ? `${pkg}:index:${module}` : type;
    const outs = wanted.filter(([of]) => of === name).map(([, key = ""]) => [key, undefined]);
    const props = { ...(Object.fromEntries(outs) as Props), ...(evaluate(properties) as Props) };
    const given = { dependsOn: (options.dependsOn ?? []).map((path) => resource(path.slice(2, -1))) };
    const one =
      pkg in packages ? new Remote(token, name, props, given) : new Custom(token, name, props, given);
    made.set(name, one);
    return one;
  };
  Object.keys(resources).forEach(resource);
  return evaluate(outputs) as Props;
}
