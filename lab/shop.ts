import { kubectl } from "./index.ts";
import type { Lab } from "./state.ts";

/** A shop whose Service does not answer: it selects by a label that none of its pods has. */
const objects = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          containers: [
            {
              name: "web",
              image: "registry.example.com/web:v1",
              ports: [{ name: "main", containerPort: 8080 }],
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      selector: { app: "web", tier: "front" },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
    },
  },
];

/**
 * Opens a shop on a lab, in namespace `shop`, or leaves the one that is there: its Service `web` does not answer, so that there is
 * something to find out.
 *
 * @throws Error when kubectl fails, with what it says
 */
export async function openShop(lab: Lab): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const { code, stderr } = await kubectl(lab, ["apply", "-f", "-"], { stdin: list });
  if (code !== 0) throw new Error(`kubectl apply failed: ${stderr.trim()}`);
}
