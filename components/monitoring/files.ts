/** The files of `monitoring/`, as text. */
import { stringify } from "yaml";
import { type Alert, alerts, runbooks } from "./alerts.ts";
import { dashboard } from "./dashboard.ts";
import { recordingRules } from "./recordingRules.ts";

const head = "# Made by `npm run monitoring` from components/monitoring; see docs/monitoring.md.\n";

/** The rules, as a rule file of Prometheus and a PrometheusRule have them: one group, whose rules are evaluated in their order. */
export function ruleGroups(): { groups: readonly object[] } {
  return { groups: [{ name: "kube-proxy", rules: [...recordingRules, ...alerts.map(alertingRule)] }] };
}

function alertingRule({ name, expr, for: lasting, severity, summary, description }: Alert): object {
  return {
    alert: name,
    expr,
    for: lasting,
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbooks}${name}.md` },
  };
}

const metadata = {
  name: "kube-proxy",
  namespace: "kube-system",
  labels: { "app.kubernetes.io/name": "kube-proxy" },
};

/** For the Prometheus operator. */
function prometheusRule(): object {
  return { apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule", metadata, spec: ruleGroups() };
}

/** Every file of the folder `monitoring/` that is made here, by its name. */
export function monitoringFiles(): Record<string, string> {
  const yaml = (value: object): string => head + stringify(value, { lineWidth: 0 });
  return {
    "rules.yaml": yaml(ruleGroups()),
    "prometheusRule.yaml": yaml(prometheusRule()),
    "dashboard.json": `${JSON.stringify(dashboard(), undefined, 2)}\n`,
  };
}
