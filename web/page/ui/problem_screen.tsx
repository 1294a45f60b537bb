/** Where the page cannot start: why, and what to do. */
export interface ProblemScreenProps {
  readonly message: string;
  readonly advice: string;
}

export function ProblemScreen({ message, advice }: ProblemScreenProps) {
  return (
    <main class="problem-screen">
      <h1>This page cannot start</h1>
      <div role="alert">
        <p class="lead">{message}</p>
        <p>{advice}</p>
      </div>
      <button type="button" class="button primary" onClick={() => location.reload()}>
        Load again
      </button>
    </main>
  );
}
