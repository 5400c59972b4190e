/** The Pulumi CLI ends a program by SIGINT when a resource has failed: what it recorded is whole all the same. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { findReports } from "../../../components/cluster/report/files.ts";
import { reply, withApiServer } from "../apiServer.ts";

const program = join(import.meta.dirname, "interruptedProgram.ts");

/** The only pod, and with it the DaemonSet on which Events are written. */
const pod = {
  metadata: {
    ...{ name: "kube-proxy-a", uid: "pod", namespace: "kube-system" },
    ownerReferences: [{ kind: "DaemonSet", name: "kube-proxy", uid: "set", controller: true }],
  },
  spec: { nodeName: "a", containers: [] },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
};

/** What is left of a program that was interrupted while it recorded. */
interface Left {
  /** Its exit code and signal. */
  readonly ended: unknown[];
  readonly outcome: string | undefined;
  /** Of the last Event. */
  readonly reason: string | undefined;
}

/**
 * @param more - arguments of the program
 * @param interrupt - takes the program and what it says; until it is done the last Event has no answer
 */
async function leftBy(
  more: readonly string[],
  interrupt: (child: ChildProcess, said: AsyncIterator<string>) => Promise<void> | void,
): Promise<Left> {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-interrupted-"));
  const reasons: string[] = [];
  const isInterrupted = Promise.withResolvers<undefined>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === "POST") {
      const { reason } = JSON.parse(await text(request)) as { reason: string };
      reasons.push(reason);
      if (reason === "UpdateFailed") await isInterrupted.promise;
      reply(response, {}, 201);
    } else if (request.url?.includes("watch=1")) {
      response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    } else reply(response, { kind: "PodList", metadata: {}, items: [pod] });
  };
  try {
    return await withApiServer(
      (request, response) => void answer(request, response),
      async (config) => {
        const argv = [program, config.exportConfig(), folder, ...more];
        const child = spawn(process.execPath, argv, {
          stdio: ["ignore", "pipe", "inherit"],
          ...{ timeout: 20_000, killSignal: "SIGKILL" },
        });
        try {
          const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
          assert.equal((await said.next()).value, "recording");
          const exit = once(child, "exit");
          await interrupt(child, said);
          isInterrupted.resolve(undefined);
          const ended = await exit;
          return { ended, outcome: findReports(folder)[0]?.report.outcome, reason: reasons.at(-1) };
        } finally {
          child.kill("SIGKILL");
        }
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

suite("a program that is interrupted", () => {
  test("says that its update has failed, on the disk and in the cluster, and ends as it was told", async () => {
    const { ended, outcome, reason } = await leftBy([], async (child, said) => {
      // Twice, as the CLI does.
      for (let time = 0; time < 2; time++) {
        child.kill("SIGINT");
        assert.equal((await said.next()).value, "goes on");
      }
    });
    assert.deepEqual([ended, outcome, reason], [[null, "SIGINT"], "failed", "UpdateFailed"]);
  });

  test("is ended by who listened before: an engine in the same process sees its last step through", async () => {
    const { ended, outcome, reason } = await leftBy(["engine"], (child) => void child.kill("SIGINT"));
    assert.deepEqual([ended, outcome, reason], [[7, null], "succeeded", "UpdateSucceeded"]);
  });
});
