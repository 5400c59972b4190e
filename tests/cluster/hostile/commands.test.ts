/** The commands themselves, against an API server that answers nonsense or nothing, and when somebody ends them. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { after, suite, test } from "node:test";
import { formatSnapshot } from "../../../components/cluster/snapshot/format.ts";
import { waitFor } from "../../../lab/wait.ts";
import { type Answer, FakeApi } from "./fakeApi.ts";

const folder = mkdtempSync(join(tmpdir(), "hostile-commands-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const snapshot = join(folder, "snapshot.yaml");
const account = {
  ...{ apiVersion: "v1", kind: "ServiceAccount" },
  metadata: { name: "kube-proxy", namespace: "kube-system" },
};
writeFileSync(
  snapshot,
  formatSnapshot({ cluster: "cluster", server: "https://x", time: new Date(0), objects: [account] }),
);
const wanted = JSON.stringify([{ daemonSet: "kube-proxy", placement: {} }]);

/** How each command is called; the input of those that read one. */
const calls: Readonly<Record<string, { readonly args: readonly string[]; readonly input?: string }>> = {
  verify: { args: ["--deadline", "5s"] },
  doctor: { args: ["--deadline", "5s"] },
  snapshot: { args: ["--folder", folder] },
  restore: { args: [snapshot, "--wait", "5s"] },
  restartNodes: { args: ["--nodes", "node-a", "--deadline", "5s"] },
  facts: { args: [] },
  layout: { args: ["layout"], input: wanted },
  orphans: { args: ["remove-orphans"] },
  clear: { args: ["clear-rules"] },
  testNamespace: { args: ["make-test-namespace"] },
  testService: { args: ["--daemonset", "kube-proxy", "--lifetime", "24h"] },
};

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the signal, if there was one, to its end, in milliseconds. */
  readonly ms: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Omit<Ended, "ms">>;
}

const root = join(import.meta.dirname, "..", "..", "..");

function start(command: string, kubeconfig: string, more: readonly string[] = []): Running {
  const { args, input = "" } = calls[command] ?? { args: [] };
  const env = { ...process.env, KUBE_PROXY_KUBECONFIG: kubeconfig };
  const child = spawn(process.execPath, [join(root, "commands", `${command}.ts`), ...args, ...more], { env });
  child.stdin.on("error", () => undefined).end(input);
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(
    ([code, stdout, stderr]) => {
      return { code, stdout, stderr };
    },
  );
  return { child, ended };
}

/** Few at a time: each takes a processor for half a second. */
const lanes = Array.from({ length: 4 }, () => Promise.resolve());
let turn = 0;
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const lane = turn++ % lanes.length;
  const mine = (lanes[lane] ?? Promise.resolve()).then(work);
  lanes[lane] = mine.then(
    () => undefined,
    () => undefined,
  );
  return await mine;
}

async function withApi<T>(answer: Answer, work: (api: FakeApi) => Promise<T>): Promise<T> {
  return await inTurn(async () => {
    const api = await FakeApi.start();
    api.answer = answer;
    try {
      return await work(api);
    } finally {
      api.stop();
    }
  });
}

/** Ends a command by a signal, once something is so. */
async function endedBy(
  name: NodeJS.Signals,
  { child, ended }: Running,
  isTime: () => boolean,
): Promise<Ended> {
  await waitFor("the command's requests", { timeoutMs: 30_000 }, () => Promise.resolve(isTime()));
  const began = Date.now();
  child.kill(name);
  const end = await ended;
  return { ...end, ms: Date.now() - began };
}

/** In milliseconds. It is two seconds, and it takes some more to end a process of a busy machine. */
const longestEnd = 4000;

suite("commands and malformed answers", { concurrency: true }, () => {
  for (const command of Object.keys(calls)) {
    test(`${command} ends with 1 and clear lines`, async () => {
      const { code, stdout, stderr } = await withApi(
        (_, response) => {
          response.end("<html>\u001b[2J</html>");
          return true;
        },
        (api) => start(command, api.kubeconfig()).ended,
      );
      assert.equal(code, 1, stdout + stderr);
      assert.doesNotMatch(stdout + stderr, /^ +at |node:internal|\u001b/m);
      assert.match(stderr, /is none of a Kubernetes API server/);
      assert.ok(stderr.trim().split("\n").length <= 2, stderr);
    });
  }
});

suite("commands that somebody ends", { concurrency: true }, () => {
  for (const [index, command] of Object.keys(calls).entries()) {
    const name = (["SIGINT", "SIGTERM", "SIGHUP"] as const)[index % 3] ?? "SIGINT";
    test(`${command}, by ${name}: within two seconds, with a word on what was done`, async () => {
      await withApi(
        () => true, // Silent.
        async (api) => {
          const { code, stderr, ms } = await endedBy(
            name,
            start(command, api.kubeconfig()),
            () => api.asked.length > 0,
          );
          assert.equal(code, 1, stderr);
          assert.match(stderr, new RegExp(`^ended by ${name}.*\\. (Nothing|No|Some|What) .*\\.\\n$`));
          assert.ok(ms < longestEnd, `took ${ms} ms`);
        },
      );
    });
  }

  for (const command of ["verify", "doctor", "testService", "restartNodes"]) {
    test(`${command} leaves no test Service, whenever it is ended`, async () => {
      for (const path of ["/endpointslices", `:30000/proxy/healthz`]) {
        await withApi(
          ({ url = "" }) => url.includes(path) || decodeURIComponent(url).includes(path),
          async (api) => {
            const isAsked = () => api.asked.some((one) => decodeURIComponent(one).includes(path));
            const { code, stderr, ms } = await endedBy("SIGINT", start(command, api.kubeconfig()), isAsked);
            assert.equal(code, 1, stderr);
            assert.match(stderr, /^ended by SIGINT/);
            assert.ok(ms < longestEnd, `took ${ms} ms`);
            assert.equal(api.services.size, 0, `${path}: a test Service is left`);
          },
        );
      }
    });
  }

  test("verify leaves no test Service that is made when nobody waits for the answer any more", async () => {
    await withApi(
      () => false,
      async (api) => {
        let making: Promise<object> | undefined;
        api.answer = (request) => {
          const isMaking = request.method === "POST" && request.url?.endsWith("/services") === true;
          if (isMaking) making = text(request).then((body) => sleep(300).then(() => api.makeService(body)));
          return isMaking;
        };
        const running = start("verify", api.kubeconfig());
        const { stderr, ms } = await endedBy("SIGINT", running, () => making !== undefined);
        assert.match(stderr, /no test Service is left/);
        assert.ok(ms < longestEnd, `took ${ms} ms`);
        await making;
        assert.equal(api.services.size, 0);
      },
    );
  });

  test("restart-nodes says which nodes were not restarted", async () => {
    await withApi(
      ({ method }) => method === "DELETE",
      async (api) => {
        const running = start("restartNodes", api.kubeconfig(), ["--nodes", "node-a,node-b,node-c"]);
        const isAsked = () => api.asked.some((one) => one.startsWith("DELETE ") && one.includes("/pods/"));
        const { stderr } = await endedBy("SIGTERM", running, isAsked);
        assert.match(stderr, /^ended by SIGTERM; not restarted: node-a, node-b, node-c\./);
      },
    );
  });
});

suite("credentials by an exec plugin", { concurrency: true }, () => {
  const apiVersion = "client.authentication.k8s.io/v1";
  const userOf = (script: string) => ({
    exec: { apiVersion, command: process.execPath, args: ["-e", script], interactiveMode: "Never" },
  });

  test("runs once a command", async () => {
    for (const command of ["verify", "facts", "snapshot"]) {
      const seen = join(folder, `runs-${command}`);
      const credential = JSON.stringify({ apiVersion, kind: "ExecCredential", status: { token: "t" } });
      const script = `require("fs").appendFileSync(${JSON.stringify(seen)}, "x"); console.log(${JSON.stringify(credential)})`;
      const { code, stderr } = await withApi(
        () => false,
        (api) => start(command, api.kubeconfig(userOf(script))).ended,
      );
      assert.equal(code, 0, stderr);
      assert.equal(readFileSync(seen, "utf8"), "x", command);
    }
  });

  test("is ended when it hangs, by the deadline and by a signal", async () => {
    for (const name of ["deadline", "signal"]) {
      const beats = join(folder, `beats-${name}`);
      const script = `setInterval(() => require("fs").appendFileSync(${JSON.stringify(beats)}, "x"), 50)`;
      await withApi(
        () => false,
        async (api) => {
          const began = Date.now();
          const deadline = name === "deadline" ? "2s" : "60s";
          const running = start("verify", api.kubeconfig(userOf(script)), ["--deadline", deadline]);
          const hasBegun = () => existsSync(beats);
          const { code, stderr } = await (name === "signal"
            ? endedBy("SIGINT", running, hasBegun)
            : running.ended);
          assert.equal(code, 1, stderr);
          if (name === "deadline") assert.ok(Date.now() - began < 40_000);
          const seen = readFileSync(beats, "utf8");
          await sleep(500);
          assert.equal(readFileSync(beats, "utf8"), seen, "the plugin still runs");
        },
      );
    }
  });

  test("tells why there are none in one line, and shows no secret", async () => {
    const secret = "s3cret\\n";
    const status = `{"status": {"token": "${secret}x"}}`;
    const cases: readonly [string, RegExp][] = [
      [`console.error("no\\u001b[2J login"); process.exit(3)`, /ended with 3: no \[2J login$/m],
      ["console.log('<html>')", /gives no ExecCredential/],
      [`console.log(${JSON.stringify(status)})`, /gives no ExecCredential/],
    ];
    for (const [script, expected] of cases) {
      const { code, stderr } = await withApi(
        () => false,
        (api) => start("snapshot", api.kubeconfig(userOf(script))).ended,
      );
      assert.equal(code, 1);
      assert.match(stderr, expected);
      assert.doesNotMatch(stderr, /s3cret|^ +at /m);
    }
  });
});
