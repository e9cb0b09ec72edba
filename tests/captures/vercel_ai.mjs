// The Vercel AI SDK as it reports itself: called by with_vercel_ai.py with the name of a scenario.
import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { createOpenAI } from "@ai-sdk/openai";
import * as ai from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
provider.register();

const openai = createOpenAI({ apiKey: "none", baseURL: process.env.OPENAI_BASE_URL });
const model = openai.chat("gpt-4o-mini");
const BALANCE = "What is the balance of HL-9?";
const telemetry = (more = {}) => ({
  isEnabled: true,
  functionId: "clerk",
  metadata: { userId: "u-204", sessionId: "s-9" },
  ...more,
});
const schema = z.object({ account: z.string() });
const lookUp = { description: "Look an account's balance up.", execute: async ({ account }) => ({ account, eur: 77 }) };
const tools = {
  get_balance: ai.tool({ ...lookUp, inputSchema: schema, parameters: schema }),
};
const steps = ai.stepCountIs ? { stopWhen: ai.stepCountIs(3) } : { maxSteps: 3 };
const HISTORY = [
  { role: "user", content: "Hello, I am Ann." },
  { role: "assistant", content: "Hello Ann." },
  { role: "user", content: BALANCE },
];

const scenarios = {
  tool: () => ai.generateText({ model, tools, ...steps, prompt: BALANCE, experimental_telemetry: telemetry() }),
  history: async () => {
    const told = ai.streamText({ model, messages: HISTORY, experimental_telemetry: telemetry() });
    for await (const _ of told.textStream);
  },
  title: () =>
    trace.getTracer("acme").startActiveSpan("handle_request", async (span) => {
      await ai.generateText({ model, tools, ...steps, prompt: BALANCE, experimental_telemetry: telemetry() });
      const title = "Give this chat a title of three words: What is the balance of HL-9? It is 77 EUR.";
      await ai.generateText({ model, prompt: title, experimental_telemetry: telemetry({ functionId: "title" }) });
      span.end();
    }),
  content_off: () =>
    ai.generateText({
      model,
      prompt: BALANCE,
      experimental_telemetry: telemetry({ recordInputs: false, recordOutputs: false }),
    }),
  failed: () =>
    ai
      .generateText({ model: openai.chat("broken"), prompt: BALANCE, maxRetries: 0, experimental_telemetry: telemetry() })
      .then(
        () => Promise.reject(new Error("the model server answered")),
        () => undefined,
      ),
  embedding: () =>
    ai.embed({ model: openai.textEmbeddingModel("text-embedding-3-small"), value: BALANCE, experimental_telemetry: telemetry() }),
};

await scenarios[process.argv[2]]();
await provider.forceFlush();
