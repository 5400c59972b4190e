import { checkConfiguration } from "../configuration/check.ts";
import type { NodeFacts } from "../facts/facts.ts";
import { listed, type Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { negated, requirementProblems } from "../kubeadm/podSettings.ts";
import type { NodeSelectorRequirement } from "../kubeadm/podTypes.ts";
import { parseVersion } from "../kubeadm/version.ts";
import { type Pool, requirementsOf } from "./pool.ts";
import { findMisplaced, isPossible, selectionsWith } from "./selections.ts";

/**
 * Finds what is wrong with pools as a whole: names that are there twice, requirements without values, pools that share
 * a node, nodes that no pool has, and settings of one that its kube-proxy would refuse.
 *
 * @param settings - the settings; the schema has found nothing wrong with their pools
 * @param nodes - the cluster's nodes, of which those in the wrong number of pools are named
 */
export function checkPools(
  settings: Readonly<Record<string, unknown>>,
  nodes: readonly NodeFacts[] = [],
): Problem[] {
  const pools = (settings["pools"] ?? []) as readonly Pool[];
  const problems = pools.flatMap((pool, index) => checkPool(pool, index, pools, settings));
  return problems.length > 0 || pools.length === 0 ? problems : checkSelections(pools, settings, nodes);
}

function checkPool(
  pool: Pool,
  index: number,
  pools: readonly Pool[],
  settings: Readonly<Record<string, unknown>>,
): Problem[] {
  const path = `pools[${index}]`;
  const minor = parseVersion(settings["kubernetesVersion"])?.minor.minor;
  const { name, configuration, matchExpressions = [] } = pool;
  return [
    ...(pools.findIndex((other) => other.name === name) === index
      ? []
      : [{ path: `${path}.name`, value: name, accepted: "a name that no other pool has" }]),
    ...requirementProblems(matchExpressions, `${path}.matchExpressions`),
    ...(configuration === undefined ? [] : checkConfiguration(configuration, minor, `${path}.configuration`)),
  ];
}

function checkSelections(
  pools: readonly Pool[],
  settings: Readonly<Record<string, unknown>>,
  nodes: readonly NodeFacts[],
): Problem[] {
  const nodeSelector = settings["nodeSelector"];
  const excluded = (settings["excludeNodes"] ?? []) as readonly NodeSelectorRequirement[];
  const universe = [
    ...requirementsOf({
      name: "all",
      ...(isRecord(nodeSelector) && { nodeSelector: nodeSelector as Record<string, string> }),
    }),
    ...excluded.map(negated),
  ];
  const impossible = pools.flatMap((pool, index) =>
    isPossible([...universe, ...requirementsOf(pool)])
      ? []
      : [
          {
            path: `pools[${index}]`,
            accepted: `nodes that can exist: what pool ${pool.name} requires contradicts itself`,
          },
        ],
  );
  const selections = pools.map((pool) => ({ name: pool.name, requirements: requirementsOf(pool) }));
  const misplaced = findMisplaced(selections, universe);
  if (misplaced === undefined) {
    return [
      { path: "pools", accepted: "selections by fewer labels and values: these are too many to compare" },
    ];
  }
  return [
    ...impossible,
    ...misplaced.map(({ selections: names, labels }) => {
      const found = nodes.filter((node) => selectionsWith(node.labels, selections).join() === names.join());
      const now = found.length === 0 ? "" : ` (now: ${listed(found.map(({ name }) => name))})`;
      return {
        path: "pools",
        accepted:
          names.length === 0
            ? `every node in one pool; one with ${labels} is in none${now}: add a pool for it, or widen one`
            : `every node in one pool; one with ${labels} is in ${names.join(" and ")}${now}: narrow all but one`,
      };
    }),
  ];
}
