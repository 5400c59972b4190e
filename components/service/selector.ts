import { type Case, count, type Finder, hasSelector, kubectl, nameOf, selectorOf } from "./case.ts";
import { finding } from "./finding.ts";

/** A selector that matches no pod, and which of its labels are to blame. */
export const selector: Finder = {
  needs: ["pods"],
  find: (one) =>
    !hasSelector(one.service) || one.pods.length > 0
      ? []
      : [
          finding("selector-matches-nothing", {
            object: nameOf(one.service),
            words: `Its selector ${selectorOf(one.service)} matches no pod; ${nearestPods(one)}.`,
            next: {
              words: "Mend the selector, or the labels",
              command: kubectl(one.service, "get pods --show-labels"),
            },
          }),
        ],
};

/** Says which labels of the selector pods have, and what those that none has may be a slip of. */
function nearestPods({ service, lookup }: Case): string {
  const { namespace } = service;
  if (lookup.podCount(namespace) === 0) return `there is no pod in ${namespace}`;
  const labels = Object.entries(service.selector).map(([key, value]) => {
    const number = lookup.withLabel(namespace, key, value).length;
    return { label: `${key}=${value}`, number, others: otherValues(service, key, lookup) };
  });
  const had = labels.filter(({ number }) => number > 0);
  const lacking = labels.filter(({ number }) => number === 0);
  const has = had
    .map(({ label, number }, index) =>
      index === 0
        ? `${count(number, "pod")} in ${namespace} ${number === 1 ? "has" : "have"} ${label}`
        : `${number} ${number === 1 ? "has" : "have"} ${label}`,
    )
    .join(", ");
  if (lacking.length === 0) return `${has}, and none has all of them`;
  const none = lacking.map(({ label }) => label).join(" or ");
  const others = lacking.map((one) => one.others).find((words) => words !== "") ?? "";
  return had.length === 0
    ? `no pod in ${namespace} has ${none}${others}`
    : `${has}, none has ${none}${others}`;
}

/** The most frequent value of a label in the place of the one that nobody has. */
function otherValues({ namespace }: Case["service"], key: string, lookup: Case["lookup"]): string {
  let [most, number] = ["", 0];
  for (const [value, pods] of lookup.valuesOf(namespace, key)) {
    if (pods > number) [most, number] = [value, pods];
  }
  return number === 0 ? "" : `, but ${number} ${number === 1 ? "has" : "have"} ${key}=${most}`;
}
