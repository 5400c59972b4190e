/** How often, and over how many connections, a kube-proxy is asked. */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { suite, test } from "node:test";
import { askNodes } from "../../../components/cluster/verify/askNodes.ts";
import type { Observation } from "../../../components/cluster/verify/observation.ts";
import type { ServiceCheck } from "../../../components/cluster/verify/serviceCheck.ts";
import type { Answered } from "../../../components/cluster/verify/types.ts";
import { withApiServer } from "../apiServer.ts";
import { answers, nodeWith, recordedStart } from "./fixtures.ts";
import { forwardPorts } from "./portForward.ts";

const { metrics, configz } = answers();
const [pod] = nodeWith().pods;

/** A kube-proxy's answers, by which question of this path it is. */
type Pages = (path: string, count: number) => string;

const healthy: Pages = (path) => ({ "/metrics": metrics, "/configz": configz })[path] ?? "iptables";

/** What came of asking one kube-proxy. */
interface Asked {
  readonly answered: Answered | undefined;
  readonly connections: number;
  readonly questions: readonly string[];
}

/**
 * Asks one kube-proxy, with a Service that answers at once.
 *
 * @param change - what happens while the Service is made
 */
async function ask(pages: Pages, change: () => void = () => undefined): Promise<Asked> {
  const questions: string[] = [];
  let connections = 0;
  let answered: Answered | undefined;
  const kubeProxy: RequestListener = ({ url = "" }, response) => {
    questions.push(url);
    response.end(pages(url, questions.filter((one) => one === url).length));
  };
  const services = { ask: () => Promise.resolve({ verdict: "answers", seconds: 0 }) };
  await withApiServer(
    (_, response) => response.end(),
    async (config, server) => {
      forwardPorts(server, () => {
        connections += 1;
        return kubeProxy;
      });
      server.on("upgrade", (_, socket) => {
        sockets.push(socket);
      });
      await askNodes(
        config,
        pod === undefined ? [] : [pod],
        {
          port: 10249,
          openServices: () => {
            change();
            return Promise.resolve(services as unknown as ServiceCheck);
          },
          onAnswer: (_, given) => (answered = given),
        },
        AbortSignal.timeout(10_000),
      );
    },
  );
  return { answered, connections, questions };
}

/** Those of the tests' servers, one after the other. */
const sockets: Duplex[] = [];

const observation = ({ answered }: Asked) => answered?.probed as Observation;

suite("a kube-proxy is asked", () => {
  test("over one connection, before and after Services were made; afterwards for its metrics alone", async () => {
    const failed = `kubeproxy_sync_proxy_rules_iptables_restore_failures_total 1\n`;
    const asked = await ask((path, count) => healthy(path, count) + (count === 2 ? failed : ""));
    assert.equal(asked.connections, 1);
    assert.deepEqual(asked.questions, ["/metrics", "/proxyMode", "/configz", "/metrics"]);
    // What failed only then counts.
    assert.equal(
      [...observation(asked).failures.values()].reduce((sum, one) => sum + one, 0),
      1,
    );
  });

  test("over another one where the first was cut off meanwhile", async () => {
    const asked = await ask(healthy, () => sockets.pop()?.destroy());
    assert.equal(asked.connections, 2);
    assert.equal(observation(asked).mode, "iptables");
  });

  test("over another one where the first has died without a word", async () => {
    const asked = await ask(healthy, () => sockets.pop()?.pause());
    assert.equal(asked.connections, 2);
    assert.equal(observation(asked).mode, "iptables");
  });

  test("for all once more where it had not synced before", async () => {
    const never = metrics.replaceAll(/^kubeproxy_sync_proxy_rules_last_timestamp_seconds.*$/gm, "");
    const asked = await ask((path, count) =>
      path === "/metrics" && count === 1 ? never : healthy(path, count),
    );
    assert.equal(asked.questions.length, 6);
    assert.ok(observation(asked).lastSync.size > 0);
  });

  test("for all once more where it is another process by then", async () => {
    const restarted = metrics.replace(
      /^process_start_time_seconds .*$/m,
      `process_start_time_seconds ${recordedStart + 1000}`,
    );
    const asked = await ask((path, count) =>
      path === "/metrics" && count > 1 ? restarted : healthy(path, count),
    );
    assert.equal(observation(asked).processStart, recordedStart + 1000);
  });
});
