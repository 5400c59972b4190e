/** The engine's events, one by one: for a file, or for the Automation API's server. */
import { appendFileSync } from "node:fs";

/** Takes events. */
export interface EventLog {
  write(event: object): void;
  /** When whoever listens has taken all of them. */
  close(): Promise<void>;
}

/**
 * Opens what `--event-log` names: a path, or `tcp://HOST:PORT` of a server; nothing takes no events.
 *
 * Source: pulumi `pkg/backend/display/eventlog.go`, `proto/pulumi/events.proto`.
 */
export async function openEventLog(where: string | undefined): Promise<EventLog> {
  const address = where?.startsWith("tcp://") === true ? where.slice("tcp://".length) : undefined;
  const { write, close } = address !== undefined ? await serverLog(address) : fileLog(where);
  let sequence = 0;
  return {
    write: (event) => {
      write(JSON.stringify({ sequence: sequence++, timestamp: Math.floor(Date.now() / 1000), ...event }));
    },
    close,
  };
}

interface Sink {
  write: (line: string) => void;
  close: () => Promise<void>;
}

function fileLog(path: string | undefined): Sink {
  return {
    write: (line) => {
      if (path !== undefined) appendFileSync(path, `${line}\n`);
    },
    close: () => Promise.resolve(),
  };
}

async function serverLog(address: string): Promise<Sink> {
  const [{ credentials }, { EventsClient }, { default: proto }] = await Promise.all([
    import("@grpc/grpc-js"),
    import("@pulumi/pulumi/proto/events_grpc_pb.js"),
    import("@pulumi/pulumi/proto/events_pb.js"),
  ]);
  const client = new EventsClient(address, credentials.createInsecure());
  const taken = Promise.withResolvers<undefined>();
  const stream = client.streamEvents((error) => {
    if (error === null) taken.resolve(undefined);
    else taken.reject(error);
  });
  return {
    write: (line) => {
      const request = new proto.EventRequest();
      request.setEvent(line);
      stream.write(request);
    },
    close: async () => {
      stream.end();
      await taken.promise;
      client.close();
    },
  };
}
