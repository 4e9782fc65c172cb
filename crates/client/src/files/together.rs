//! Several pieces of work at a time, all for one caller.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Does all of it at a time, and gives what came of it in the order in which it was given.
///
/// # Errors
/// The first error, as soon as there is one; then the rest is dropped.
pub async fn together<T, E, F: Future<Output = Result<T, E>>>(
    work: impl IntoIterator<Item = F>,
) -> Result<Vec<T>, E> {
    let mut under_way: Vec<(Pin<Box<F>>, Option<T>)> =
        work.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut is_all = true;
        for (future, done) in under_way.iter_mut().filter(|(_, done)| done.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(Ok(value)) => *done = Some(value),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => is_all = false,
            }
        }
        if is_all {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    })
    .await?;
    Ok(under_way.into_iter().filter_map(|(_, done)| done).collect())
}

#[cfg(test)]
mod tests {
    use super::together;
    use std::pin::Pin;
    use tokio::sync::oneshot;

    type Work = Pin<Box<dyn Future<Output = Result<u8, &'static str>>>>;

    #[tokio::test]
    async fn work_goes_on_together_and_ends_with_the_first_error() {
        let (sender, receiver) = oneshot::channel();
        let (first, second) = (async { receiver.await.map_err(|_| "gone") }, async { Ok(2) });
        let work: [Work; 3] = [
            Box::pin(first),
            Box::pin(second),
            Box::pin(async move {
                sender.send(1).unwrap();
                Ok(3)
            }),
        ];
        assert_eq!(together(work).await, Ok(vec![1, 2, 3]));
        let work: [Work; 2] = [Box::pin(std::future::pending()), Box::pin(async { Err("no") })];
        assert_eq!(together(work).await, Err("no"));
    }
}
