# build
FROM maven:3.9.9-eclipse-temurin-21-alpine AS build
WORKDIR /app
COPY pom.xml .
COPY ./src ./src
RUN mvn clean package -DskipTests

# run
FROM gcr.io/distroless/java21
WORKDIR /app
COPY --from=build /app/target/*.jar /app/app.jar
CMD ["/app/app.jar"]
EXPOSE 8080
