# build
FROM golang:1.23-alpine3.21 AS build
WORKDIR /app
COPY ./hello/ .
RUN go mod tidy && \
    go build -o myapp .

# run
FROM scratch
WORKDIR /app
COPY --from=build /app/myapp ./myapp
ENTRYPOINT [ "./myapp" ]
